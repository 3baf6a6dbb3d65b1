"""`GET /v1/suggestions`: questions that the articles are known to answer."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from service.api.admission import State

router = APIRouter(prefix="/v1", tags=["answers"])

ArticleIds = Annotated[tuple[Annotated[str, Query(max_length=200)], ...], Query(max_length=100)]


@dataclass(frozen=True, slots=True)
class SuggestedQuestion:
    """A question, the article that answers it, and its language, null if the article has none."""

    question: str
    article_id: str
    language: str | None


@dataclass(frozen=True, slots=True)
class SuggestionList:
    """Suggested questions: one of each article, the newest first, then a second of each, and so on."""

    suggestions: tuple[SuggestedQuestion, ...]
    object: Literal["list"] = "list"


@router.get("/suggestions", summary="Questions that the articles answer")
async def list_suggestions(
    state: State, article_ids: ArticleIds = (), limit: Annotated[int, Query(ge=1, le=100)] = 10
) -> SuggestionList:
    """List questions that this service has answered from its articles, or from those of `article_ids`."""
    found = state.suggestions.of(state.pipeline.clock().date(), article_ids or None, limit)
    return SuggestionList(tuple(SuggestedQuestion(each.question, each.article_id, each.language) for each in found))
