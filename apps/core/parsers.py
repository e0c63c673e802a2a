"""What the API reads."""

import json
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class Json(JSONParser):
    """JSON that can be stored and said again: what is nested too deeply or is no text is the sender's error."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            body = super().parse(*args, **kwargs)
            json.dumps(body, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ParseError("This JSON is nested too deeply to be read.") from error
        except UnicodeEncodeError as error:
            raise ParseError("This JSON holds half a character (a lone surrogate), which is no text.") from error
        return body
