//! Dataset layouts and manifests: which map, mask and image belong together.
