"""Every image model of timm (Wightman, PyTorch Image Models) as an architecture of lsn."""
