window.YTD.deleted_tweets.part0 = [
  {
    "tweet": {
      "id_str": "11",
      "full_text": "Taken back",
      "created_at": "Sat Jan 13 09:00:00 +0000 2024"
    }
  }
]