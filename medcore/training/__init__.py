"""What the recipes share: tables, splits by group, augmentation, the loop, averaging."""
