"""Pictures and sentences in one space: how well they fit, and which is nearest to which.

network.py    a tower for pictures, and one for what is said of them
sources.py    captioned pictures of every subject, to learn from
figures.py    how often the right one is found among a hundred
course.py     the preset `clip-pictures`
loading.py    the network that ships, ready to be asked
sentences.py  its sentence tower without torch, for the web process
"""
