"""Reports: what a recipe's runs came to, beside the published numbers, in several formats."""
