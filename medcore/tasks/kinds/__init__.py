"""Kinds of task: each knows how a study is examined and a table evaluated by any task of its kind."""
