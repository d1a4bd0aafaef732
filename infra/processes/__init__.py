"""What every long-lived process of ours needs.

supervisor  child processes, restarted when they die or hang; `parent`: end with it
metrics     figures for Prometheus, over processes; `memory`: the garbage collector
"""
