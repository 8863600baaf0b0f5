window.YTD.note_tweet.part0 = [
  {
    "noteTweet": {
      "noteTweetId": "9",
      "createdAt": "2024-01-12T09:00:00.000Z",
      "updatedAt": "2024-01-12T09:05:00.000Z",
      "lifecycle": {
        "name": "Created"
      },
      "core": {
        "text": "A long thought.\n\nSee https://t.co/dddddddddd for more.",
        "urls": [
          {
            "shortUrl": "https://t.co/dddddddddd",
            "expandedUrl": "https://fog.example/",
            "displayUrl": "fog.example",
            "fromIndex": 21,
            "toIndex": 44
          }
        ],
        "hashtags": [],
        "mentions": []
      }
    }
  }
]