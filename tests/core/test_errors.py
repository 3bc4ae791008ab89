import pickle

from relayload.core.errors import AuthorError, Fault


def test_each_fault_is_a_line_with_its_place():
    error = AuthorError([Fault("is odd", "load", "p.yaml", 3, 5), Fault("is missing", file="q.yaml")])
    assert str(error) == "p.yaml:3:5: load: is odd\nq.yaml: is missing"


def test_faults_come_whole_from_another_process():
    error = AuthorError([Fault("is odd", "load", "p.yaml", 3, 5), Fault("is missing", file="q.yaml")])
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.faults, str(copy)) == (error.faults, str(error))
