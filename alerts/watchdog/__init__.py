"""Each minute: is anything left without a next step?"""
