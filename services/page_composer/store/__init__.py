"""All SQL of page_composer: decisions, counters of campaigns, the page log. One transaction a method; domain
objects out.
"""
