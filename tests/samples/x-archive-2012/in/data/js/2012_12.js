Grailbird.data.tweets_2012_12 = [{"id":1,"text":"my words &lt;3 &amp; tea"}]
