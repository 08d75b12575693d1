"""What ChatOnlySq costs beside langchain-core and httpx; see README.md."""
