"""Messages: console, log file, TensorBoard."""

from __future__ import annotations

import logging
import os.path as osp
import time

import torch

from .basics import NoOp, get_rank, is_list, is_tensor, mkdir


def _grid(images, columns=8, most=64):
    """Tile the first pictures of a batch, each stretched to 0..1: ``[n, c, h, w]`` to ``[c, H, W]``."""
    x = images[:most].float().cpu()
    low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
    x = (x - low) / (high - low).clamp_min(1e-5)
    n, c, h, w = x.shape
    columns = min(columns, n)
    rows = -(-n // columns)
    x = torch.cat([x, x.new_zeros(rows * columns - n, c, h, w)])
    return x.view(rows, columns, c, h, w).permute(2, 0, 3, 1, 4).reshape(c, rows * h, columns * w)


def _mean(values):
    """Mean over everything in a list of numbers and tensors."""
    return sum(float(torch.as_tensor(v).float().mean()) for v in values) / len(values)


class MessageManager:
    """Writes log lines and summaries, and averages what the losses report between two log lines.

    `log_debug`, `log_info` and `log_warning` are those of a Python logger.
    """

    def __init__(self):
        self.logger = logging.getLogger("opengait")
        self.log_debug, self.log_info, self.log_warning = self.logger.debug, self.logger.info, self.logger.warning
        self.writer = None
        self.info_dict = {}
        self.iteration = 0
        self.log_iter = 100
        self._since = time.time()

    def init_manager(self, save_path, log_to_file, log_iter, iteration=0):
        """Start a training run.

        Args:
            save_path: folder of the run; summaries go to ``summary/``, log files to ``logs/``.
            log_to_file: write a log file too.
            log_iter: iterations between two log lines.
            iteration: where training starts; later TensorBoard entries of an earlier run are hidden.
        """
        self.init_logger(save_path, log_to_file)
        self.iteration, self.log_iter = iteration, log_iter
        self.info_dict.clear()
        if self.writer is not None:
            self.writer.close()
            self.writer = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self.log_info("TensorBoard is not installed: no summaries are written (pip install tensorboard).")
        else:
            mkdir(osp.join(save_path, "summary"))
            self.writer = SummaryWriter(osp.join(save_path, "summary"), purge_step=iteration)
        self.reset_time()

    def init_logger(self, save_path, log_to_file):
        """Set the console and, if wanted, a log file in ``<save_path>/logs``; earlier ones are closed."""
        for old in self.logger.handlers[:]:
            self.logger.removeHandler(old)
            old.close()
        handlers = [logging.StreamHandler()]
        if log_to_file:
            mkdir(osp.join(save_path, "logs"))
            name = time.strftime("%Y-%m-%d-%H-%M-%S") + ".txt"
            handlers.append(logging.FileHandler(osp.join(save_path, "logs", name), encoding="utf-8"))
        style = logging.Formatter("[%(asctime)s] [%(levelname)s]: %(message)s", "%Y-%m-%d %H:%M:%S")
        for handler in handlers:
            handler.setFormatter(style)
            self.logger.addHandler(handler)
        self.logger.setLevel(logging.INFO)
        self.logger.propagate = False

    def append(self, info):
        """Keep the values of one iteration until the next log line."""
        for key, value in info.items():
            values = value if is_list(value) else [value]
            self.info_dict.setdefault(key, []).extend(v.detach() if is_tensor(v) else v for v in values)

    def flush(self):
        """Forget the kept values and write the summaries out."""
        self.info_dict.clear()
        if self.writer is not None:
            self.writer.flush()

    def write_to_tensorboard(self, summary):
        """Write ``image/...`` and ``scalar/...`` entries at the current iteration; nothing without TensorBoard."""
        if self.writer is None:
            return
        for key, value in summary.items():
            kind, _, name = key.partition("/")
            value = value.detach() if is_tensor(value) else value
            if kind == "scalar":
                self.writer.add_scalar(name, _mean([value]), self.iteration)
            elif kind == "image":
                self.writer.add_image(name, _grid(value), self.iteration)
            else:
                self.log_warning(f"visual_summary key {key!r} is not written; allowed: image/..., scalar/...")

    def log_training_info(self):
        """Write the log line: iteration, seconds since the last one, means of all scalars."""
        line = f"Iteration {self.iteration:05d}, Cost {time.time() - self._since:.2f}s"
        for key, values in self.info_dict.items():
            if key.startswith("scalar/"):
                line += f", {key[7:].replace('/', '_')}={_mean(values):.4f}"
        self.log_info(line)
        self.reset_time()

    def reset_time(self):
        """Start the clock of the next log line."""
        self._since = time.time()

    def train_step(self, info, summary):
        """Count one iteration; every `log_iter` of them write the log line and the summaries."""
        self.append(info)
        self.iteration += 1
        if self.iteration % self.log_iter:
            return
        self.log_training_info()
        self.write_to_tensorboard(summary)
        self.flush()


msg_mgr = MessageManager()


def get_msg_mgr():
    """The message manager of this process: the real one on rank 0, a silent one elsewhere."""
    return NoOp() if get_rank() else msg_mgr
