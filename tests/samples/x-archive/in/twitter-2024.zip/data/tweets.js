window.YTD.tweets.part0 = [
  {
    "tweet": {
      "edit_info": {
        "initial": {
          "editTweetIds": [
            "1"
          ]
        }
      },
      "retweeted": false,
      "source": "<a href=\"https://example.org\">app</a>",
      "entities": {
        "hashtags": [
          {
            "text": "frost"
          }
        ],
        "user_mentions": [],
        "urls": []
      },
      "display_text_range": [
        "0",
        "31"
      ],
      "id_str": "1",
      "full_text": "Frost &amp; fog, &lt;sigh&gt; #frost",
      "lang": "en",
      "created_at": "Fri Jan 05 09:30:00 +0000 2024",
      "favorited": false
    }
  },
  {
    "tweet": {
      "id_str": "2",
      "full_text": "@otto @ida_b so am I, says @lena https://t.co/aaaaaaaaaa",
      "in_reply_to_status_id_str": "99",
      "in_reply_to_user_id": "7",
      "in_reply_to_screen_name": "otto",
      "entities": {
        "urls": [
          {
            "url": "https://t.co/aaaaaaaaaa",
            "expanded_url": "https://fog.example/today?x=1&y=2",
            "display_url": "fog.example/today…"
          }
        ]
      },
      "created_at": "Sat Jan 06 23:59:59 +0000 2024"
    }
  },
  {
    "tweet": {
      "id_str": "3",
      "full_text": "RT @otto: fog is only shy rain",
      "entities": {},
      "created_at": "Sun Jan 07 10:00:00 +0000 2024"
    }
  },
  {
    "tweet": {
      "id_str": "4",
      "full_text": "The tree, twice\n\nin one day 🌲 https://t.co/bbbbbbbbbb",
      "entities": {
        "media": [
          {
            "url": "https://t.co/bbbbbbbbbb",
            "type": "photo"
          }
        ],
        "urls": []
      },
      "extended_entities": {
        "media": [
          {
            "url": "https://t.co/bbbbbbbbbb",
            "type": "photo"
          },
          {
            "url": "https://t.co/bbbbbbbbbb",
            "type": "photo"
          }
        ]
      },
      "created_at": "Mon Jan 08 08:00:00 +0000 2024"
    }
  },
  {
    "tweet": {
      "id_str": "5",
      "full_text": "This, all of it https://t.co/cccccccccc",
      "entities": {
        "urls": [
          {
            "url": "https://t.co/cccccccccc",
            "expanded_url": "https://twitter.com/otto/status/12345"
          }
        ]
      },
      "created_at": "Tue Jan 09 08:00:00 +0000 2024"
    }
  },
  {
    "tweet": {
      "id_str": "6",
      "full_text": "@otto",
      "in_reply_to_user_id_str": "7",
      "created_at": "Tue Jan 09 09:00:00 +0000 2024"
    }
  },
  {
    "tweet": {
      "id_str": "7",
      "full_text": "@otto I owe you a coffee, RT @ida: no",
      "created_at": "Wed Jan 10 09:00:00 +0000 2024"
    }
  }
]