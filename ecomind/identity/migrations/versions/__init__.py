"""The revisions of the control store, one file each; a published one is never changed."""
