"""Cross-modal video classifiers for scikit-learn."""
