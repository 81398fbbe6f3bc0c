"""Every node type that the engine can run, one line each."""

from collections.abc import Mapping

from services.engine.domain.node_parts.node_contract import NodeType
from services.engine.domain.nodes.answer import answer_template, parse_answer
from services.engine.domain.nodes.assigner import parse_assigner
from services.engine.domain.nodes.code import parse_code
from services.engine.domain.nodes.command import parse_command
from services.engine.domain.nodes.document_extractor import parse_document_extractor
from services.engine.domain.nodes.end import end_template, parse_end
from services.engine.domain.nodes.frame_marker import parse_frame_marker
from services.engine.domain.nodes.http_request import parse_http_request
from services.engine.domain.nodes.human_input import parse_human_input
from services.engine.domain.nodes.if_else import parse_if_else
from services.engine.domain.nodes.iteration import parse_iteration
from services.engine.domain.nodes.list_operator import parse_list_operator
from services.engine.domain.nodes.llm import parse_llm
from services.engine.domain.nodes.loop import parse_loop
from services.engine.domain.nodes.parameter_extractor import parse_parameter_extractor
from services.engine.domain.nodes.question_classifier import parse_question_classifier
from services.engine.domain.nodes.start import parse_start
from services.engine.domain.nodes.sub_workflow import parse_sub_workflow
from services.engine.domain.nodes.template_transform import parse_template_transform
from services.engine.domain.nodes.tool import parse_tool
from services.engine.domain.nodes.trigger_plugin import parse_trigger_plugin
from services.engine.domain.nodes.trigger_schedule import parse_trigger_schedule
from services.engine.domain.nodes.trigger_webhook import parse_trigger_webhook
from services.engine.domain.nodes.variable_aggregator import parse_variable_aggregator

# fmt: off
CATALOGUE: Mapping[str, NodeType] = {
    "start": NodeType(type="start", execution="root", parse=parse_start),
    "trigger-webhook": NodeType(type="trigger-webhook", execution="root", parse=parse_trigger_webhook),
    "trigger-schedule": NodeType(type="trigger-schedule", execution="root", parse=parse_trigger_schedule),
    "trigger-plugin": NodeType(type="trigger-plugin", execution="root", parse=parse_trigger_plugin),
    "end": NodeType(type="end", execution="response", parse=parse_end, response_template=end_template),
    "answer": NodeType(type="answer", execution="response", parse=parse_answer, response_template=answer_template),
    "llm": NodeType(type="llm", execution="executable", parse=parse_llm, retryable=True),
    "if-else": NodeType(type="if-else", execution="branch", parse=parse_if_else),
    "template-transform": NodeType(type="template-transform", execution="executable", parse=parse_template_transform),
    "code": NodeType(type="code", execution="executable", parse=parse_code, retryable=True),
    "variable-aggregator": NodeType(type="variable-aggregator", execution="executable", parse=parse_variable_aggregator),
    "variable-assigner": NodeType(type="variable-aggregator", execution="executable", parse=parse_variable_aggregator),
    "assigner": NodeType(type="assigner", execution="executable", parse=parse_assigner),
    "http-request": NodeType(type="http-request", execution="executable", parse=parse_http_request, retryable=True),
    "document-extractor": NodeType(type="document-extractor", execution="executable", parse=parse_document_extractor),
    "command": NodeType(type="command", execution="executable", parse=parse_command, retryable=True),
    "human-input": NodeType(type="human-input", execution="branch", parse=parse_human_input),
    "tool": NodeType(type="tool", execution="executable", parse=parse_tool, retryable=True),
    "sub-workflow": NodeType(type="sub-workflow", execution="executable", parse=parse_sub_workflow, retryable=True),
    "question-classifier": NodeType(type="question-classifier", execution="branch", parse=parse_question_classifier),
    "parameter-extractor": NodeType(type="parameter-extractor", execution="executable", parse=parse_parameter_extractor),
    "list-operator": NodeType(type="list-operator", execution="executable", parse=parse_list_operator),
    "iteration": NodeType(type="iteration", execution="container", parse=parse_iteration),
    "iteration-start": NodeType(type="iteration-start", execution="marker", parse=parse_frame_marker),
    "loop": NodeType(type="loop", execution="container", parse=parse_loop),
    "loop-start": NodeType(type="loop-start", execution="marker", parse=parse_frame_marker),
    "loop-end": NodeType(type="loop-end", execution="break", parse=parse_frame_marker),
}
# fmt: on
