"""Plain nn.Module networks with a leading trial dimension."""
