"""Run other systems under the load that Trine is put under, on the same machine.

`bench/peers/README.md` in the checkout says how to install them and what is compared with what.
"""

from trine.bench.peers.system import NODES, Load, Network, System

__all__ = ["NODES", "Load", "Network", "System"]
