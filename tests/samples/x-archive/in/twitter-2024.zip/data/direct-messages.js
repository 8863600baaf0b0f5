window.YTD.direct_messages.part0 = [
  {
    "dmConversation": {
      "conversationId": "1-7",
      "messages": [
        {
          "messageCreate": {
            "senderId": "7",
            "text": "hello"
          }
        },
        {
          "messageCreate": {
            "senderId": "1",
            "text": "hello you"
          }
        }
      ]
    }
  }
]