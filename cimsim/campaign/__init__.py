"""What a campaign is: design points, their expansion, keys and paths.

Imports neither torch nor pandas.
"""
