"""Numbers computed by hand or from a paper, stage by stage."""
