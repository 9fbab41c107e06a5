"""What the boutique says, in English, Chinese and Spanish: titles, descriptions, queries, reviews."""
