"""Everything that an account remembers as bytes, and back.

The bytes are a pickle: reading them runs what is in them, so they must come from where only their user writes.
"""

from __future__ import annotations

import copyreg
import io
import pickle
import threading
from dataclasses import fields
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from ecr_stack.embedded_aws import moto_backend
from ecr_stack.embedded_aws.request import State

__all__ = ["dump", "load"]

# what belongs to the process, not to the account
_PROCESS = frozenset({"accounts", "layers", "layer_url"})


class _Pickler(pickle.Pickler):
    """Pickles moto's backends, with the locks and private keys that they hold."""

    dispatch_table = {
        **copyreg.dispatch_table,
        type(threading.Lock()): lambda _: (threading.Lock, ()),
        type(threading.RLock()): lambda _: (threading.RLock, ()),
    }

    def reducer_override(self, held: Any) -> Any:
        """Write private keys as DER."""
        if isinstance(held, RSAPrivateKey | EllipticCurvePrivateKey):
            return _private_key, (held.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),)
        return NotImplemented


def _private_key(written: bytes) -> Any:
    # by a name that can be found again: that of the function in `cryptography` cannot
    return load_der_private_key(written, None)


def dump(state: State) -> bytes:
    """Return what an account remembers; layers are files of their own."""
    own = {field.name: getattr(state, field.name) for field in fields(state) if field.name not in _PROCESS}
    written = io.BytesIO()
    _Pickler(written).dump({"moto": moto_backend.held(state.account), "own": own})
    return written.getvalue()


def load(state: State, written: bytes) -> None:
    """Let an account remember what `dump` gave, and nothing else. Layers that no image needs are deleted."""
    read = pickle.loads(written)
    moto_backend.hold(state.account, read["moto"])
    for name, value in read["own"].items():
        setattr(state, name, value)
    state.layers.keep_only(layer for store in state.stores.values() for layer in store.forget_unused_layers())
