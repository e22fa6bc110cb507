"""Requests in progress while the model is reloaded."""

import asyncio
from threading import Event

from optotype.runs.run import Run
from optotype.web.limits import Limits
from optotype.web.service import Service
from tests.web.http_server import wait_until
from tests.web.samples import images


def test_explanations_survive_a_reload(run: Run) -> None:
    """Explanations by the previous model that run, wait or start after a reload are all completed."""

    async def explain_during_reload() -> list[str]:
        service = Service(run.path, Limits())
        running = asyncio.create_task(service.run())
        explainer, (image,) = service.explainer, images(1)
        await asyncio.to_thread(wait_until, lambda: explainer.neighbours_state == "ready")
        release = Event()
        service.explainer._thread.submit(release.wait)  # makes the explanations wait
        waiting = [asyncio.create_task(explainer.explain(image, "0")) for _ in range(3)]
        await asyncio.sleep(0)
        await service.reload()
        assert service.explainer is not explainer
        late = asyncio.create_task(explainer.explain(image, "0"))
        release.set()
        explanations = await asyncio.gather(*waiting, late)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return [f"{occlusion.label}{len(neighbours)}{note}" for occlusion, neighbours, note in explanations]

    assert asyncio.run(explain_during_reload()) == ["06None"] * 4
