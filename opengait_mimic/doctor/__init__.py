"""``opengait-mimic check data``: what a tree of silhouette pickles holds, and what a training would stumble over."""
