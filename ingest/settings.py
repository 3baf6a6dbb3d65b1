"""The settings of fetching, read once from the environment or `.env`."""

from pydantic import Field

from index.settings import IndexSettings


class IngestSettings(IndexSettings):
    """The behaviour towards the hosts that articles are fetched from."""

    fetch_agent: str = Field(
        "Dateline/1.0",
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*(/[!-~]+)?( [ -~]+)?$",
        description="User agent of fetches: a product name, which robots.txt can address, and how to reach you.",
    )
    fetch_delay_s: float = Field(
        1.0, ge=0, le=60, description="Seconds between two requests to a host, at least; its Crawl-delay may be longer."
    )
    fetch_timeout_s: float = Field(30.0, gt=0, le=600, description="Seconds until a reply must be complete.")
    fetch_limit_mb: int = Field(20, ge=1, le=200, description="Megabytes of a reply, unpacked, at most.")
