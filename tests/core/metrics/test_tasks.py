from relayload.core.metrics.tasks import Task, bundles, one_by_one


def _task(about: str = "") -> Task[str]:
    return Task(lambda: about, about=about)


def test_jobs_about_the_same_metric_are_bundled_and_others_stay_alone():
    assert bundles([_task(), _task("ttft"), _task("late"), _task(), _task("ttft")]) == [[0], [1, 4], [2], [3]]


def test_results_come_in_the_order_of_the_jobs():
    assert one_by_one([_task("ttft"), _task("late"), _task("ttft")]) == ["ttft", "late", "ttft"]
