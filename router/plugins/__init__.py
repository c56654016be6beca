"""How others extend the router: hook specification, registry, and the contracts that authors implement."""
