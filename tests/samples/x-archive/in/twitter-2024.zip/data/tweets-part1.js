window.YTD.tweets.part1 = [
  {"tweet" : {"id_str" : "8","full_text" : "עוד ערפל","created_at" : "Thu Jan 11 09:00:00 +0000 2024"}}
]