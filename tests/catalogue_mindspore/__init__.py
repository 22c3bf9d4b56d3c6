"""MindSpore networks with a known verdict, right and broken, written as other people write them.

They use other people's words, which this project does not use elsewhere, and never import it.
`tables` says what each of them is.
"""
