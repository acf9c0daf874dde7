"""HTTP as the ingress speaks it: connections and their limits, bodies, routes, answers and problems."""
