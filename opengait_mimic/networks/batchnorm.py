"""BatchNorm with the statistics of the batch of all processes, on any device; torch's SyncBatchNorm runs on GPUs alone."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from ..base.errors import ConfigError
from ..base.processes import rank_and_world


class _Normalise(Function):
    """(x - mean) / sqrt(var + eps) * weight + bias per channel, over the values of all processes, and its gradient."""

    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        """Return y like x, and the global mean [c], sum of squared deviations [c] and count [] in float64."""
        axes, shape, c = _axes(x)
        var, mean = torch.var_mean(x, axes, correction=0)
        local = torch.cat([mean.double(), var.double(), mean.new_tensor([x.numel() / c], dtype=torch.double)])
        ranks = [torch.empty_like(local) for _ in range(rank_and_world()[1])]
        dist.all_gather(ranks, local)
        means, variances, counts = torch.stack(ranks).split([c, c, 1], 1)  # [world, c], [world, c], [world, 1]
        count = counts.sum()
        mean = (means * counts).sum(0) / count
        squares = ((variances + (means - mean).square()) * counts).sum(0)
        inverse = (squares / count + eps).rsqrt().to(x.dtype)
        out = (x - mean.to(x.dtype).view(shape)) * (inverse if weight is None else inverse * weight).view(shape)
        ctx.save_for_backward(x, mean.to(x.dtype), inverse, weight, count)
        ctx.mark_non_differentiable(mean, squares, count)
        return out if bias is None else out + bias.view(shape), mean, squares, count

    @staticmethod
    @once_differentiable
    def backward(ctx, grad, *_):
        """The gradient of the sum of all processes' losses: what a process's loss gives to another's clips counts.

        Weight and bias get their own process's share, which DDP averages as it does every parameter's.
        """
        x, mean, inverse, weight, count = ctx.saved_tensors
        axes, shape, _ = _axes(x)
        normal = (x - mean.view(shape)) * inverse.view(shape)
        own = grad.sum(axes), (grad * normal).sum(axes)
        sums = torch.stack(own).double()
        dist.all_reduce(sums)
        constant, along = (part.to(x.dtype).view(shape) for part in sums / count)
        scale = inverse if weight is None else inverse * weight
        to_x = (grad - constant - normal * along) * scale.view(shape)
        return to_x, None if weight is None else own[1], None if weight is None else own[0], None


def _axes(x: Tensor) -> tuple[list[int], list[int], int]:
    """The axes that statistics run over, the shape that lays a value per channel along x, and the number of channels."""
    return [axis for axis in range(x.dim()) if axis != 1], [1, -1] + [1] * (x.dim() - 2), x.shape[1]


class _Gathered(_BatchNorm):
    """In training mode with several processes, the statistics are those of the global batch; otherwise plain BatchNorm.

    Parameters, buffers, flags and state-dict keys are the plain one's. Processes may hold different numbers of clips or
    frames, each at least one.

    Shape:
        As the plain one's: ``[n, c]`` or ``[n, c, ...]``.

    Raises:
        ValueError: fewer than two values per channel in the global batch, or a shape that the plain one refuses.

    Source:
        Ioffe and Szegedy, Batch Normalization, ICML 2015, algorithm 1 and its gradient in section 3; the variances of the
        processes joined as in Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample
        Variances, 1979.
    """

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        if not self.training or rank_and_world()[1] == 1:
            return super().forward(x)
        self._check_input_dim(x)
        precise = x.float() if x.dtype in (torch.half, torch.bfloat16) else x
        out, mean, squares, count = _Normalise.apply(precise, self.weight, self.bias, self.eps)
        if count < 2:
            raise ValueError("BatchNorm in training needs more than one value per channel over all processes; got a single one")
        if self.track_running_stats:
            self.num_batches_tracked += 1
            share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
            self.running_mean.lerp_(mean.to(self.running_mean), share)
            self.running_var.lerp_((squares / (count - 1)).to(self.running_var), share)
        return out.to(x.dtype)


class GatheredBatchNorm1d(_Gathered, nn.BatchNorm1d):
    """`torch.nn.BatchNorm1d` over the batch of all processes."""


class GatheredBatchNorm2d(_Gathered, nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d` over the batch of all processes."""


class GatheredBatchNorm3d(_Gathered, nn.BatchNorm3d):
    """`torch.nn.BatchNorm3d` over the batch of all processes."""


GATHERED = {nn.BatchNorm1d: GatheredBatchNorm1d, nn.BatchNorm2d: GatheredBatchNorm2d, nn.BatchNorm3d: GatheredBatchNorm3d}


def gather_batchnorm(model: nn.Module) -> nn.Module:
    """Turn every BatchNorm of a model into its gathered form, in place, so that optimisers and hooks stay valid.

    Raises:
        ConfigError: another class derived from torch's BatchNorm, whose statistics cannot be gathered.
    """
    for name, module in model.named_modules():
        if type(module) in GATHERED:
            module.__class__ = GATHERED[type(module)]
        elif isinstance(module, _BatchNorm) and not isinstance(module, _Gathered):
            raise ConfigError(
                f"trainer_cfg.sync_BN: true, but {name} is a {type(module).__name__}, and only BatchNorm1d, 2d and 3d can be gathered"
                " on CPUs; set false"
            )
    return model
