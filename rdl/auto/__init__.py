"""The front door: from images and minutes to the settings of a whole recursion that ends in time; and going on."""
