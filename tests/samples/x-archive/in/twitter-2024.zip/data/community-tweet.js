window.YTD.community_tweet.part0 = [
  {
    "tweet": {
      "id_str": "10",
      "full_text": "Among fog watchers",
      "community_id_str": "3",
      "created_at": "Sat Jan 13 09:00:00 +0000 2024"
    }
  }
]