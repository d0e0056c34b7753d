"""One folder a clinical question: card.toml, model.py, train.py, weights.safetensors, golden.npz."""
