"""Helpers of the embedded host, under the names OpenGait gives them."""

from . import runtime  # noqa: F401
from .common import (  # noqa: F401
    Odict,
    classes_of,
    ddp_all_gather,
    get_attr_from,
    get_ddp_module,
    get_valid_args,
    init_seeds,
    params_count,
)
from .msg_manager import get_msg_mgr  # noqa: F401
from .runtime import get_rank, get_world_size  # noqa: F401
