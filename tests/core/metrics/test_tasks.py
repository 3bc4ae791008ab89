from relayload.core.metrics.tasks import Job, bundles, one_by_one


def _job(about: str = "") -> Job[str]:
    return Job(lambda: about, about=about)


def test_jobs_about_the_same_metric_are_bundled_and_others_stay_alone():
    assert bundles([_job(), _job("ttft"), _job("late"), _job(), _job("ttft")]) == [[0], [1, 4], [2], [3]]


def test_results_come_in_the_order_of_the_jobs():
    assert one_by_one([_job("ttft"), _job("late"), _job("ttft")]) == ["ttft", "late", "ttft"]
