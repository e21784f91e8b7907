"""The domain types, which know arrays and no files: skeleton, keypoints, camera, motion, take, rotations."""
