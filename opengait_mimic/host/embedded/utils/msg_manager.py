"""Messages: console, log file, TensorBoard."""

from __future__ import annotations

import logging
import os
import os.path as osp
import time

import torch

from .runtime import get_rank


def _stretch(images, most=64):
    """The first pictures of a batch ``[n, c, h, w]``, each stretched to 0..1."""
    x = images[:most].float().cpu()
    low, high = x.amin((1, 2, 3), keepdim=True), x.amax((1, 2, 3), keepdim=True)
    return (x - low) / (high - low).clamp_min(1e-5)


def _mean(values):
    """Mean over everything in a list of numbers and tensors."""
    return sum(float(torch.as_tensor(v).float().mean()) for v in values) / len(values)


class NoOp:
    """The message manager of ranks above 0: every method exists and does nothing."""

    def __getattr__(self, name):
        """Any method."""
        return lambda *args, **kwargs: None


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
            os.makedirs(osp.join(save_path, "summary"), exist_ok=True)
            self.writer = SummaryWriter(osp.join(save_path, "summary"), purge_step=iteration)
        self.reset_time()

    def init_logger(self, save_path, log_to_file):
        """Set the console and, if wanted, a log file in ``<save_path>/logs``; earlier ones are closed."""
        for old in self.logger.handlers[:]:
            self.logger.removeHandler(old)
            old.close()
        handlers = [logging.StreamHandler()]
        if log_to_file:
            os.makedirs(osp.join(save_path, "logs"), exist_ok=True)
            name = time.strftime("%Y-%m-%d-%H-%M-%S") + ".txt"
            handlers.append(logging.FileHandler(osp.join(save_path, "logs", name), encoding="utf-8"))
        style = logging.Formatter("[%(asctime)s] [%(levelname)s]: %(message)s", "%Y-%m-%d %H:%M:%S")
        for handler in handlers:
            handler.setFormatter(style)
            self.logger.addHandler(handler)
        self.logger.setLevel(logging.INFO)
        self.logger.propagate = False

    def write_to_tensorboard(self, summary):
        """Write ``image/...`` and ``scalar/...`` entries at the current iteration; nothing without TensorBoard."""
        if self.writer is None:
            return
        for key, value in summary.items():
            kind, _, name = key.partition("/")
            value = value.detach() if torch.is_tensor(value) else value
            if kind == "scalar":
                self.writer.add_scalar(name, _mean([value]), self.iteration)
            elif kind == "image":
                self.writer.add_images(name, _stretch(value), self.iteration)
            else:
                self.log_warning(f"visual_summary key {key!r} is not written; allowed: image/..., scalar/...")

    def reset_time(self):
        """Start the clock of the next log line."""
        self._since = time.time()

    def train_step(self, info, summary):
        """Count one iteration; every `log_iter` of them write the log line and the summaries."""
        for key, value in info.items():
            self.info_dict.setdefault(key, []).append(value.detach() if torch.is_tensor(value) else value)
        self.iteration += 1
        if self.iteration % self.log_iter:
            return
        line = f"Iteration {self.iteration:05d}, Cost {time.time() - self._since:.2f}s"
        for key, values in self.info_dict.items():
            if key.startswith("scalar/"):
                line += f", {key[7:].replace('/', '_')}={_mean(values):.4f}"
        self.log_info(line)
        self.reset_time()
        self.write_to_tensorboard(summary)
        self.info_dict.clear()
        if self.writer is not None:
            self.writer.flush()


msg_mgr = MessageManager()


def get_msg_mgr():
    """The message manager of this process: the real one on rank 0, a silent one elsewhere."""
    return NoOp() if get_rank() else msg_mgr
