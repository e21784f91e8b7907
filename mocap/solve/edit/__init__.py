"""Changes to a solved take: corrections of its motion by keypoints placed by hand."""
