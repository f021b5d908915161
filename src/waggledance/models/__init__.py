"""Language models: embedded, any GGUF file, any OpenAI-compatible endpoint, recorded answers, scripts.

Importing this is light; the libraries behind a back end are loaded when it is first used.
"""

from typing import TYPE_CHECKING

from waggledance._lazy import lazy
from waggledance.core._turn import Picture as Picture
from waggledance.core._turn import Tool as Tool
from waggledance.core._turn import ToolCall as ToolCall
from waggledance.core._turn import Turn as Turn
from waggledance.models._model import Adaptable as Adaptable
from waggledance.models._model import Changing as Changing
from waggledance.models._model import Completion as Completion
from waggledance.models._model import Model as Model
from waggledance.models._model import ModelError as ModelError
from waggledance.models._model import Request as Request
from waggledance.models._model import Streaming as Streaming
from waggledance.models._model import as_sent as as_sent
from waggledance.models._model import check_sight as check_sight
from waggledance.models._model import sees as sees

if TYPE_CHECKING:
    from waggledance.models._asked_for import asked_for as asked_for
    from waggledance.models._asked_for import principal as principal
    from waggledance.models._catalogue import CATALOGUE as CATALOGUE
    from waggledance.models._catalogue import Weights as Weights
    from waggledance.models._catalogue import cache_folder as cache_folder
    from waggledance.models._catalogue import path_of as path_of
    from waggledance.models._errors import BadAnswer as BadAnswer
    from waggledance.models._errors import CutShort as CutShort
    from waggledance.models._errors import FetchFailed as FetchFailed
    from waggledance.models._errors import NotRecorded as NotRecorded
    from waggledance.models._errors import PromptTooLong as PromptTooLong
    from waggledance.models._errors import RateLimited as RateLimited
    from waggledance.models._errors import Refused as Refused
    from waggledance.models._errors import ScriptEnded as ScriptEnded
    from waggledance.models._errors import ServerFailed as ServerFailed
    from waggledance.models._errors import TimedOut as TimedOut
    from waggledance.models._errors import Unreachable as Unreachable
    from waggledance.models._errors import WeightsBroken as WeightsBroken
    from waggledance.models._errors import WeightsMissing as WeightsMissing
    from waggledance.models._errors import WrongKey as WrongKey
    from waggledance.models._get import get as get
    from waggledance.models._llama import Embedded as Embedded
    from waggledance.models._llama import Gguf as Gguf
    from waggledance.models._openai import OpenAI as OpenAI
    from waggledance.models._recorded import Recorded as Recorded
    from waggledance.models._recorded import Recorder as Recorder
    from waggledance.models._retry import Retrying as Retrying
    from waggledance.models._retry import with_retries as with_retries
    from waggledance.models._scripted import Scripted as Scripted
    from waggledance.models._spec import Row as Row
    from waggledance.models._spec import available as available
    from waggledance.models._spec import check as check
    from waggledance.models._spec import model as model
    from waggledance.models._spec import options as options
else:
    __getattr__, __dir__, __all__ = lazy(__name__)
