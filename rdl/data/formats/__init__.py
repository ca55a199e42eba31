"""How images and factors are stored: npz and HDF5 files, read without unpickling, and pictures of any kind."""
