"""What is known of well-known models. Made by scripts/build_profiles.py: do not edit.

The facts are those of models.dev (https://github.com/sst/models.dev), read on
2026-11-30 from the copies in
langchain-openai 1.7.4,
langchain-anthropic 1.7.10,
langchain-google-genai 4.4.3,
langchain-deepseek 1.1.1,
langchain-xai 1.3.0,
langchain-perplexity 1.4.2,
langchain-mistralai 1.1.6,
langchain-openrouter 0.2.9.
models.dev is under the MIT License, Copyright (c) 2025 spin.dev.
"""

TABLE = """\
claude-fable-5 1000000 128000 image reasoning structured tools low medium high; Claude Fable 5
claude-fable-5-1 1000000 128000 image reasoning structured tools low medium high; Claude Fable 5.1
claude-haiku-4-5 200000 64000 image reasoning structured temperature tools; Claude Haiku 4.5
claude-haiku-5-5 1000000 128000 image reasoning tools; Claude Haiku 5.5
claude-opus-4-5 200000 64000 image reasoning structured temperature tools low medium high; Claude Opus 4.5
claude-opus-4-6 1000000 128000 image reasoning structured temperature tools low medium high; Claude Opus 4.6
claude-opus-4-7 1000000 128000 image reasoning structured tools low medium high; Claude Opus 4.7
claude-opus-4-8 1000000 128000 image reasoning structured tools low medium high; Claude Opus 4.8
claude-opus-5 1000000 128000 image reasoning structured tools low medium high; Claude Opus 5
claude-opus-5-5 1000000 128000 image reasoning structured tools low medium high; Claude Opus 5.5
claude-sonnet-4-5 200000 64000 image reasoning structured temperature tools; Claude Sonnet 4.5
claude-sonnet-4-6 1000000 128000 image reasoning structured temperature tools low medium high; Claude Sonnet 4.6
claude-sonnet-5 1000000 128000 image reasoning structured tools low medium high; Claude Sonnet 5
claude-sonnet-5-5 1000000 128000 image reasoning structured tools low medium high; Claude Sonnet 5.5
codestral 256000 4096 temperature tools; Codestral
deepseek-flash 1000000 384000 image reasoning structured temperature tools; DeepSeek V4.1 Flash
deepseek-r1 64000 16000 reasoning temperature tools; DeepSeek-R1
deepseek-r1-0528 163840 32768 reasoning structured temperature tools; R1 0528
deepseek-r1-distill-llama-70b 8192 7372 reasoning temperature; R1 Distill Llama 70B
deepseek-v3 163840 16384 structured temperature tools; DeepSeek Chat
deepseek-v3-0324 163840 147456 structured temperature tools; DeepSeek V3 0324
deepseek-v3.1 163840 32768 reasoning structured temperature tools; DeepSeek V3.1
deepseek-v3.1-terminus 163840 32768 reasoning structured temperature tools; DeepSeek V3.1 Terminus
deepseek-v3.2 163840 65536 reasoning structured temperature tools; DeepSeek V3.2
deepseek-v3.2-exp 163840 65536 reasoning structured temperature tools; DeepSeek V3.2 Exp
deepseek-v4-flash 1000000 384000 image reasoning structured temperature tools; DeepSeek V4 Flash
deepseek-v4-flash-0731 1310720 943718 reasoning structured temperature tools; DeepSeek V4 Flash 0731
deepseek-v4-flash-vision-exp 1000000 384000 image reasoning structured temperature tools; DeepSeek V4 Flash Vision Exp
deepseek-v4-pro 1000000 384000 reasoning structured temperature tools; DeepSeek V4 Pro
deepseek-v4-pro-0813 1048576 384000 reasoning structured temperature tools; DeepSeek V4 Pro 0813
deepseek-v4.1-flash 1048576 384000 image reasoning structured temperature tools; DeepSeek V4.1 Flash
devstral 262144 262144 temperature tools deprecated; Devstral 2
devstral-2512 262144 262144 temperature tools deprecated; Devstral 2
devstral-medium 262144 262144 temperature tools deprecated; Devstral 2
devstral-medium-2507 128000 128000 temperature tools deprecated; Devstral Medium
devstral-small-2505 128000 128000 temperature tools deprecated; Devstral Small 2505
devstral-small-2507 128000 128000 temperature tools deprecated; Devstral Small
gemini-2.5-flash 1048576 65536 image reasoning structured temperature tools; Gemini 2.5 Flash
gemini-2.5-flash-lite 1048576 65536 image reasoning structured temperature tools; Gemini 2.5 Flash-Lite
gemini-2.5-pro 1048576 65536 image reasoning structured temperature tools; Gemini 2.5 Pro
gemini-3-flash 1048576 65536 image reasoning structured temperature tools low medium high; Gemini 3 Flash
gemini-3-flash-preview 1048576 65536 image reasoning structured temperature tools low medium high; Gemini 3 Flash Preview
gemini-3.1-flash-lite 1048576 65536 image reasoning structured temperature tools low medium high; Gemini 3.1 Flash Lite
gemini-3.1-flash-lite-preview 1048576 65536 image reasoning structured temperature tools low medium high deprecated; Gemini 3.1 Flash Lite Preview
gemini-3.1-pro 1048576 65536 image reasoning structured temperature tools low medium high; Gemini 3.1 Pro
gemini-3.1-pro-preview 1048576 65536 image reasoning structured temperature tools low medium high; Gemini 3.1 Pro Preview
gemini-3.5-flash 1048576 65536 image reasoning structured temperature tools low medium high; Gemini 3.5 Flash
gemini-3.5-flash-lite 1048576 65536 image reasoning structured temperature tools low medium high; Gemini 3.5 Flash Lite
gemini-3.6-flash 1048576 65536 image reasoning structured temperature tools low medium high; Gemini 3.6 Flash
gemini-3.7-flash 1048576 65536 image reasoning structured temperature tools; Gemini 3.7 Flash
gemini-3.8-flash 1048576 65536 image reasoning structured temperature tools; Gemini 3.8 Flash
gemini-4-argon 1048576 32768 image reasoning structured temperature tools low medium high; Gemini 4 Argon
gemini-flash 1048576 65536 image reasoning structured temperature tools; Gemini Flash Latest
gemini-flash-lite 1048576 65536 image reasoning structured temperature tools; Gemini Flash-Lite Latest
gemini-pro 1048576 65536 image reasoning structured temperature tools; Gemini Pro Latest
gemma-4-26b-a4b-it 262144 32768 image reasoning structured temperature tools; Gemma 4 26B A4B IT
gemma-4-31b-it 262144 32768 image reasoning structured temperature tools; Gemma 4 31B IT
glm-4.5 131072 98304 reasoning temperature tools; GLM-4.5
glm-4.5-air 131072 98304 reasoning temperature tools; GLM-4.5-Air
glm-4.5v 65536 16384 image reasoning temperature tools; GLM-4.5V
glm-4.6 204800 16384 reasoning structured temperature tools; GLM-4.6
glm-4.6v 131072 32768 image reasoning temperature tools; GLM-4.6V
glm-4.7 204800 131072 reasoning structured temperature tools; GLM-4.7
glm-4.7-flash 200000 117964 reasoning structured temperature tools; GLM-4.7-Flash
glm-5 204800 128000 reasoning structured temperature tools; GLM-5
glm-5-turbo 202752 131072 reasoning temperature tools; GLM-5-Turbo
glm-5.1 204800 128000 reasoning structured temperature tools; GLM-5.1
glm-5.2 1048576 131072 reasoning structured temperature tools; GLM-5.2
glm-5.3 1310720 131072 reasoning structured temperature tools; GLM-5.3
glm-5.3-flash 1310720 131072 image reasoning structured temperature tools; GLM-5.3-Flash
glm-5.3-flashx 1048576 131072 image reasoning temperature tools; GLM 5.3 FlashX
glm-5v-turbo 202752 131072 image reasoning temperature tools; GLM-5V-Turbo
gpt-3.5-turbo 16385 4096 temperature deprecated; GPT-3.5-turbo
gpt-4 8192 8192 temperature tools deprecated; GPT-4
gpt-4-turbo 128000 4096 image temperature tools deprecated; GPT-4 Turbo
gpt-4.1 1047576 32768 image structured temperature tools; GPT-4.1
gpt-4.1-mini 1047576 32768 image structured temperature tools; GPT-4.1 mini
gpt-4.1-nano 1047576 32768 image structured temperature tools deprecated; GPT-4.1 nano
gpt-4o 128000 16384 image structured temperature tools; GPT-4o
gpt-4o-2024-05-13 128000 4096 image structured temperature tools deprecated; GPT-4o (2024-05-13)
gpt-4o-mini 128000 16384 image structured temperature tools; GPT-4o mini
gpt-5 272000 128000 image reasoning structured tools low medium high; GPT-5
gpt-5-mini 272000 128000 image reasoning structured tools low medium high; GPT-5 Mini
gpt-5-nano 272000 128000 image reasoning structured tools low medium high; GPT-5 Nano
gpt-5-pro 272000 272000 image reasoning structured tools low medium high; GPT-5 Pro
gpt-5.1 272000 128000 image reasoning structured temperature tools low medium high; GPT-5.1
gpt-5.2 272000 128000 image reasoning structured temperature tools low medium high; GPT-5.2
gpt-5.2-chat 128000 32000 image structured tools; GPT-5.2 Chat
gpt-5.2-pro 272000 128000 image reasoning tools low medium high; GPT-5.2 Pro
gpt-5.3-codex 400000 128000 image reasoning structured temperature tools low medium high; GPT-5.3 Codex
gpt-5.3-codex-spark 128000 32000 image reasoning structured tools low medium high; GPT-5.3 Codex Spark
gpt-5.4 1050000 128000 image reasoning structured temperature tools low medium high; GPT-5.4
gpt-5.4-mini 400000 128000 image reasoning structured temperature tools low medium high; GPT-5.4 mini
gpt-5.4-nano 400000 128000 image reasoning structured temperature tools low medium high; GPT-5.4 nano
gpt-5.4-pro 1050000 128000 image reasoning tools low medium high; GPT-5.4 Pro
gpt-5.5 1050000 128000 image reasoning structured tools low medium high; GPT-5.5
gpt-5.5-pro 1050000 128000 image reasoning structured tools low medium high; GPT-5.5 Pro
gpt-5.6 1050000 128000 image reasoning structured tools low medium high; GPT-5.6
gpt-5.6-luna 1050000 128000 image reasoning structured tools low medium high; GPT-5.6 Luna
gpt-5.6-sol 1050000 128000 image reasoning structured tools low medium high; GPT-5.6 Sol
gpt-5.6-terra 1050000 128000 image reasoning structured tools low medium high; GPT-5.6 Terra
gpt-6-astra 1050000 128000 image reasoning structured tools low medium high; GPT-6 Astra
gpt-6-luna 1050000 128000 image reasoning structured tools low medium high; GPT-6 Luna
gpt-6-sol 1050000 128000 image reasoning structured tools low medium high; GPT-6 Sol
gpt-6.1-sol 1050000 128000 image reasoning structured tools; GPT-6.1 Sol
gpt-6.1-terra 1050000 128000 image reasoning structured tools; GPT-6.1 Terra
gpt-daybreak-blue 1050000 128000 image reasoning structured tools; Daybreak Blue
gpt-daybreak-red 400000 128000 image reasoning structured tools; Daybreak Red
gpt-oss-120b 131072 65536 reasoning structured temperature tools; GPT OSS 120B
gpt-oss-20b 131072 117964 reasoning structured temperature tools; GPT OSS 20B
grok-4.20-0309-non-reasoning 1000000 30000 image structured temperature tools; Grok 4.20 (Non-Reasoning)
grok-4.20-0309-reasoning 1000000 30000 image reasoning structured temperature tools; Grok 4.20 (Reasoning)
grok-4.20-multi-agent-0309 1000000 30000 image reasoning structured temperature; Grok 4.20 Multi-Agent
grok-4.3 1000000 30000 image reasoning structured temperature tools low medium high; Grok 4.3
grok-4.5 500000 500000 image reasoning structured temperature tools; Grok 4.5
grok-build-0.1 256000 256000 image reasoning structured temperature tools; Grok Build 0.1
kimi-k2 131072 98304 temperature tools; Kimi K2 0711
kimi-k2-0905 262144 98304 structured temperature tools; Kimi K2 0905
kimi-k2-thinking 262144 98304 reasoning structured temperature tools; Kimi K2 Thinking
kimi-k2.5 262144 235929 image reasoning structured temperature tools; Kimi K2.5
kimi-k2.6 262144 235929 image reasoning structured temperature tools; Kimi K2.6
kimi-k2.7-code 262144 235929 image reasoning structured temperature tools; Kimi K2.7 Code
kimi-k3 1048576 943718 image reasoning structured temperature tools; Kimi K3
llama-3.1-70b-instruct 131072 8192 structured temperature tools; Llama-3.1-70B-Instruct
llama-3.1-8b-instruct 131072 117964 structured temperature tools; Llama-3.1-8B-Instruct
llama-3.2-1b-instruct 60000 54000 temperature; Llama 3.2 1B Instruct
llama-3.2-3b-instruct 131072 117964 structured temperature; Llama 3.2 3B Instruct
llama-3.3-70b-instruct 131072 16384 structured temperature tools; Llama-3.3-70B-Instruct
llama-4-maverick 1048576 16384 image structured temperature tools; Llama 4 Maverick
llama-4-scout 1310720 16384 image structured temperature tools; Llama 4 Scout
magistral-medium 128000 16384 reasoning temperature tools; Magistral Medium
magistral-small 128000 128000 reasoning temperature tools; Magistral Small
minimax-01 1000192 900172 image temperature; MiniMax-01
minimax-m1 1000000 40000 reasoning temperature tools; MiniMax M1
minimax-m2 204800 131072 reasoning structured temperature tools; MiniMax-M2
minimax-m2-her 65536 2048 temperature; MiniMax-M2 Her
minimax-m2.1 204800 131072 reasoning temperature tools; MiniMax-M2.1
minimax-m2.5 204800 128000 reasoning structured temperature tools; MiniMax-M2.5
minimax-m2.7 204800 131072 reasoning structured temperature tools; MiniMax-M2.7
minimax-m3 1048576 512000 image reasoning structured temperature tools; MiniMax-M3
ministral-3b 128000 128000 temperature tools; Ministral 3B
ministral-8b 128000 128000 temperature tools; Ministral 8B
mistral-large 262144 262144 image temperature tools; Mistral Large
mistral-large-2411 131072 16384 temperature tools; Mistral Large 2.1
mistral-large-2512 262144 262144 image temperature tools; Mistral Large 3
mistral-medium 262144 262144 image reasoning structured temperature tools; Mistral Medium
mistral-medium-2505 131072 131072 image temperature tools; Mistral Medium 3
mistral-medium-2508 262144 262144 image temperature tools; Mistral Medium 3.1
mistral-medium-2604 262144 262144 image reasoning structured temperature tools; Mistral Medium 3.5
mistral-nemo 128000 128000 temperature tools; Mistral Nemo
mistral-small 256000 256000 image reasoning temperature tools; Mistral Small
mistral-small-2506 128000 16384 image temperature tools; Mistral Small 3.2
mistral-small-2603 256000 256000 image reasoning temperature tools; Mistral Small 4
o1 200000 100000 image reasoning structured tools deprecated; o1
o1-pro 200000 100000 image reasoning structured tools deprecated; o1-pro
o3 200000 100000 image reasoning structured tools; o3
o3-mini 200000 100000 reasoning structured tools deprecated; o3-mini
o3-pro 200000 100000 image reasoning structured tools; o3-pro
o4-mini 200000 100000 image reasoning structured tools deprecated; o4-mini
open-mistral-7b 8000 8000 temperature tools; Mistral 7B
open-mistral-nemo 128000 128000 temperature tools deprecated; Open Mistral Nemo
open-mixtral-8x22b 64000 64000 temperature tools; Mixtral 8x22B
open-mixtral-8x7b 32000 32000 temperature tools; Mixtral 8x7B
qwen-2.5-72b-instruct 32768 16384 structured temperature tools; Qwen2.5 72B Instruct
qwen-2.5-7b-instruct 32768 29491 structured temperature tools; Qwen2.5 7B Instruct
qwen-2.5-coder-32b-instruct 32768 29491 temperature; Qwen2.5 Coder 32B Instruct
qwen-plus 1000000 32768 structured temperature tools; Qwen Plus
qwen2.5-vl-72b-instruct 128000 115200 image structured temperature; Qwen2.5 VL 72B Instruct
qwen3-14b 131072 16384 reasoning structured temperature tools; Qwen3 14B
qwen3-235b-a22b 131072 8192 reasoning temperature tools; Qwen3 235B-A22B
qwen3-235b-a22b-2507 262144 235929 structured temperature tools; Qwen3 235B A22B Instruct 2507
qwen3-235b-a22b-thinking-2507 131072 117964 reasoning temperature tools; Qwen3 235B A22B Thinking 2507
qwen3-30b-a3b 131072 16384 reasoning structured temperature tools; Qwen3 30B A3B
qwen3-30b-a3b-instruct-2507 262144 32000 structured temperature tools; Qwen3 30B A3B Instruct 2507
qwen3-30b-a3b-thinking-2507 81920 32768 reasoning temperature tools; Qwen3 30B A3B Thinking 2507
qwen3-32b 131072 16384 reasoning structured temperature tools; Qwen3 32B
qwen3-8b 131072 8192 reasoning temperature tools; Qwen3 8B
qwen3-coder 262144 65536 structured temperature tools; Qwen3 Coder 480B A35B
qwen3-coder-30b-a3b-instruct 262144 235929 structured temperature tools; Qwen3-Coder 30B-A3B Instruct
qwen3-coder-flash 1000000 65536 temperature tools; Qwen3 Coder Flash
qwen3-coder-next 262144 235929 structured temperature tools; Qwen3 Coder Next
qwen3-coder-plus 1000000 65536 structured temperature tools; Qwen3 Coder Plus
qwen3-max 262144 65536 structured temperature tools; Qwen3 Max
qwen3-max-thinking 262144 65536 reasoning structured temperature tools; Qwen3 Max Thinking
qwen3-next-80b-a3b-instruct 262144 16384 structured temperature tools; Qwen3-Next 80B-A3B Instruct
qwen3-next-80b-a3b-thinking 262144 32768 reasoning structured temperature tools; Qwen3-Next 80B-A3B (Thinking)
qwen3-vl-235b-a22b-instruct 262144 32768 image structured temperature tools; Qwen3 VL 235B A22B Instruct
qwen3-vl-235b-a22b-thinking 131072 32768 image reasoning structured temperature tools; Qwen3 VL 235B A22B Thinking
qwen3-vl-30b-a3b-instruct 262144 32768 image structured temperature tools; Qwen3 VL 30B A3B Instruct
qwen3-vl-30b-a3b-thinking 262144 32768 image reasoning structured temperature tools; Qwen3 VL 30B A3B Thinking
qwen3-vl-32b-instruct 131072 32768 image structured temperature tools; Qwen3 VL 32B Instruct
qwen3-vl-8b-instruct 262144 32768 image structured temperature tools; Qwen3 VL 8B Instruct
qwen3-vl-8b-thinking 131072 32768 image reasoning structured temperature tools; Qwen3 VL 8B Thinking
qwen3.5-122b-a10b 262144 65536 image reasoning structured temperature tools; Qwen3.5 122B-A10B
qwen3.5-27b 262144 65536 image reasoning structured temperature tools; Qwen3.5 27B
qwen3.5-35b-a3b 262144 16384 image reasoning structured temperature tools; Qwen3.5 35B-A3B
qwen3.5-397b-a17b 262144 235929 image reasoning structured temperature tools; Qwen3.5 397B-A17B
qwen3.5-9b 262144 32768 image reasoning structured temperature tools; Qwen3.5 9B
qwen3.5-flash-02-23 1000000 65536 image reasoning structured temperature tools; Qwen3.5-Flash
qwen3.5-plus-02-15 1000000 65536 image reasoning structured temperature tools; Qwen3.5 Plus 2026-02-15
qwen3.5-plus-20260420 1000000 65536 image reasoning structured temperature tools; Qwen3.5 Plus 2026-04-20
qwen3.6-27b 262144 65536 image reasoning structured temperature tools; Qwen3.6 27B
qwen3.6-35b-a3b 262144 235929 image reasoning structured temperature tools; Qwen3.6 35B-A3B
qwen3.6-flash 1000000 65536 image reasoning structured temperature tools; Qwen3.6 Flash
qwen3.6-max 262144 65536 reasoning structured temperature tools; Qwen3.6 Max
qwen3.6-max-preview 262144 65536 reasoning structured temperature tools; Qwen3.6 Max Preview
qwen3.6-plus 1000000 65536 image reasoning structured temperature tools; Qwen3.6 Plus
qwen3.7-flash 1000000 65536 image reasoning temperature tools; Qwen3.7 Flash
qwen3.7-max 1000000 131072 reasoning structured temperature tools; Qwen3.7 Max
qwen3.7-plus 1000000 131072 image reasoning structured temperature tools; Qwen3.7 Plus
qwen3.8-2.4t-a95b 1048576 131072 reasoning structured temperature tools; Qwen3.8 2.4T A95B
qwen3.8-27b 1000000 131072 image reasoning structured temperature tools; Qwen3.8 27B
qwen3.8-flash 1000000 131072 image reasoning structured temperature tools; Qwen3.8 Flash
qwen3.8-max-0902 1000000 131072 image reasoning structured temperature tools; Qwen3.8 Max 0902
sonar 128000 4096 temperature deprecated; Sonar
sonar-deep-research 128000 32768 reasoning deprecated; Perplexity Sonar Deep Research
sonar-pro 200000 8192 image temperature deprecated; Sonar Pro
sonar-reasoning-pro 128000 4096 image reasoning temperature deprecated; Sonar Reasoning Pro
"""  # noqa: E501 - a model a line
"""Id, most input tokens, most output tokens, what the model can and is; and what it is called."""
