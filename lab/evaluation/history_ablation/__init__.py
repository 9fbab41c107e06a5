"""What each input of the fusion model is worth on histories that real people left, without logged impressions."""
