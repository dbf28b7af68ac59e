"""Chat templates with the habits of the families, conversations, and what the trainer renders of them."""

from __future__ import annotations

from typing import Any

from srft.data.chat_template import TemplateError, compile_template

DATE = "2025-03-07"
NAMES = {"bos_token": "<s>", "eos_token": "</s>"}

CHATML = """{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}\
{{ '<|im_start|>system\nYou are a helpful assistant<|im_end|>\n' }}{% endif %}\
{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""

HEADERS = """{{- bos_token }}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{#- A system message comes first, or none. #}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' \
+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("One call at a time!") }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

THINKING = """{%- if tools %}
    {{- '<|im_start|>system\\n# Tools' }}
    {%- for tool in tools %}{{- "\\n" }}{{- tool | tojson }}{%- endfor %}
    {{- '<|im_end|>\\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string \
and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- elif '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
            {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning_content)) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' \
+ reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}"""

INSTRUCT = """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- for message in loop_messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message['role'] == 'user' %}
        {%- if loop.last and system_message is defined %}
            {{- '[INST] ' + system_message + '\\n\\n' + message['content'] + ' [/INST]' }}
        {%- else %}
            {{- '[INST] ' + message['content'] + ' [/INST]' }}
        {%- endif %}
    {%- elif message['role'] == 'assistant' %}
        {{- ' ' + message['content'].strip() + eos_token}}
    {%- else %}
        {{- raise_exception('Only user and assistant roles are supported, with the exception of an initial one!') }}
    {%- endif %}
{%- endfor %}
"""

CONTROLS = """{%- macro turn(message) -%}[{{ message.role | upper }}] {{ message.content | trim }}{%- endmacro -%}
{% set state = namespace(count=0) %}
{% for message in messages %}
    {% if message.role == 'tool' %}{% continue %}{% endif %}
    {% if state.count > 3 %}{% break %}{% endif %}
    {% set state.count = state.count + 1 %}
{{ turn(message) }} {{ {'n': state.count, 'text': message.content, 'é': none, 'list': [1, 2.5, true]} | tojson }}
{% endfor %}
{{ messages | map(attribute='role') | join(', ') }} \
{{ messages | selectattr('role', 'equalto', 'user') | list | length }}
{{ messages | tojson(indent=2) }} {{ 7 // 2 }} {{ -7 % 3 }}\
 {{ 'a' ~ 1 ~ none ~ true }} {{ none }}{{ 1 == 1 }}{{ missing }} {{ 'xaxbx'.strip('x') }}{{ ' \\n'.rstrip('\\n') }}| \
{{ messages[-1].content[:3] }} {{ x | default('d') }}
{% if add_generation_prompt %}>{% endif %}
"""

TEMPLATES = {
    "chatml": CHATML,
    "headers": HEADERS,
    "thinking": THINKING,
    "instruct": INSTRUCT,
    "controls": CONTROLS,
    "marks": "{% generation %}{{ messages[0].content }}{% endgeneration %}\n",
    "syntax": "{% for message in messages %}{{ message.content }",
    "undefined": "{{ messages[0].content.missing.deeper }}",
}

CONVERSATIONS: list[list[dict[str, str]]] = [
    [{"role": "user", "content": "What is 2 + 2?"}],
    [{"role": "system", "content": "  Be brief. \n"}, {"role": "user", "content": "  spaces  \n"}],
    [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "<think>\n\nhm\n\n</think>\n\nHello </think> there\n"},
        {"role": "user", "content": "<|im_end|> {{ bos_token }} {% raw %} \"quoted\" 'single' <b>&amp;</b> \\n"},
    ],
    [
        {"role": "system", "content": "é 数学 🙂 \u2028 \u0085"},
        {"role": "user", "content": ""},
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "\r\n\t\x00"},
        {"role": "assistant", "content": "no mark\n"},
    ],
    [{"role": "assistant", "content": "first"}, {"role": "tool", "content": "t"}, {"role": "user", "content": "u"}],
    [{"role": "user", "content": "u"}, {"role": "system", "content": "late"}],
]


def chats() -> dict[str, Any]:
    """Templates, conversations, and for each pair what comes of it without and with the generation prompt."""
    rendered = {name: rendered_by(source) for name, source in TEMPLATES.items()}
    return {
        "date": DATE,
        "names": NAMES,
        "templates": TEMPLATES,
        "conversations": CONVERSATIONS,
        "rendered": rendered,
    }


def rendered_by(source: str) -> list[list[str | None]] | None:
    """None for a template that does not compile, and for a conversation that it refuses."""
    try:
        render = compile_template(source, NAMES, DATE)
    except TemplateError:
        return None
    return [[attempt(render, messages, prompt) for prompt in (False, True)] for messages in CONVERSATIONS]


def attempt(render: Any, messages: list[dict[str, str]], prompt: bool) -> str | None:
    try:
        return render(messages, prompt)
    except TemplateError:
        return None
