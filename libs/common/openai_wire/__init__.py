"""OpenAI's HTTP wire (platform.openai.com/docs/api-reference), for the doors that offer it."""
