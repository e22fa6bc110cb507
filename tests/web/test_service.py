"""What becomes of requests under way while the model is loaded again."""

import asyncio
from threading import Event

from optotype.runs.run import Run
from optotype.web.limits import Limits
from optotype.web.service import Service
from tests.web.listening import until
from tests.web.samples import images


def test_explanations_outlive_a_reload(run: Run) -> None:
    """Explanations that run, wait, or are asked of the former model after a reload are all given."""

    async def ask() -> list[str]:
        service = Service(run.path, Limits())
        answering = asyncio.create_task(service.run())
        explainer, (image,) = service.explainer, images(1)
        await asyncio.to_thread(until, lambda: explainer.similar == "ready")
        held = Event()
        service.explainer._thread.submit(held.wait)  # so that they wait
        early = [asyncio.create_task(explainer.explain(image, "0")) for _ in range(3)]
        await asyncio.sleep(0)
        await service.reload()
        assert service.explainer is not explainer
        late = asyncio.create_task(explainer.explain(image, "0"))
        held.set()
        found = await asyncio.gather(*early, late)
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        return [f"{drops.label}{len(similar)}{note}" for drops, similar, note in found]

    assert asyncio.run(ask()) == ["06None"] * 4
