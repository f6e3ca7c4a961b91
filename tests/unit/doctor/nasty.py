"""The nasty inputs: 63 JSON Lines and 38 CSV files, and what must be said about each."""

from __future__ import annotations

import gzip
import json

GOOD = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]}


def good(text: str = "Hi") -> bytes:
    return json.dumps(
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "Yes."}]}
    ).encode()


def around(line: bytes) -> bytes:
    """Six lines; the third is the one given."""
    rows = [good(f"question {i}") for i in range(5)]
    return b"\n".join([*rows[:2], line, *rows[2:]]) + b"\n"


def chat(*messages: object, **more: object) -> bytes:
    return json.dumps({"messages": list(messages), **more}).encode()


def user(content: object = "Hi") -> dict:
    return {"role": "user", "content": content}


def answer(content: object = "Yes.", **more: object) -> dict:
    return {"role": "assistant", "content": content, **more}


CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TEXT = {"type": "text", "text": "Look"}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
FIVE = [good(f"question {i}") for i in range(5)]
PLAIN = b"\n".join(FIVE) + b"\n"
DEEP = b"[" * 100_000 + b"]" * 100_000

# name: (bytes, refused with this code | None, codes on line 3 | {} fine, codes of warnings)
JSONL: dict[str, tuple[bytes, str | None, set[str], set[str]]] = {
    "01_empty": (b"", "empty_file", set(), set()),
    "02_only_newlines": (b"\n\n\n\n", "blank_file", set(), set()),
    "03_crlf": (PLAIN.replace(b"\n", b"\r\n"), None, set(), set()),
    "04_bom": (b"\xef\xbb\xbf" + PLAIN, None, set(), {"byte_order_mark"}),
    "05_bom_middle": (around(b"\xef\xbb\xbf" + good()), None, {"bom_inside"}, set()),
    "06_nul_in_string": (around(good().replace(b"Hi", b"H\0i")), None, {"nul_bytes"}, set()),
    "07_nul_padded_tail": (around(b"\0" * 500), None, {"nul_bytes"}, set()),
    "08_utf16": (PLAIN.decode().encode("utf-16"), "wide_encoding", set(), set()),
    "08b_utf16_unmarked": (PLAIN.decode().encode("utf-16-le"), "wide_encoding", set(), set()),
    "09_latin1": (around(good().replace(b"Hi", b"H\xe9")), None, {"not_utf8"}, set()),
    "10_bad_utf8_unknown_field": (
        around(good()[:-1] + b', "x": "\xff"}'), None, {"not_utf8"}, set()),
    "11_truncated_last_line": (b"\n".join(FIVE[:2]) + b"\n" + good()[:40], None, {"cut_line"}, set()),
    "12_no_final_newline_ok": (PLAIN[:-1], None, set(), set()),
    "15_deep_100k": (around(DEEP), None, {"too_deep"}, set()),
    "16_dup_key_content": (
        around(good().replace(b'"content": "Hi"', b'"content": "Hi", "content": "Ho"')),
        None, {"duplicate_key"}, set()),
    "17_dup_key_messages": (around(good()[:-1] + b', "messages": []}'), None, {"duplicate_key", "no_messages"}, set()),
    "18_nan": (around(good()[:-1] + b', "x": NaN}'), None, {"not_finite"}, set()),
    "18b_infinity": (around(good()[:-1] + b', "x": -Infinity}'), None, {"not_finite"}, set()),
    "19_content_number": (around(chat(user(42), answer())), None, {"not_text"}, set()),
    "20_content_null": (around(chat(user(None), answer())), None, {"null_field"}, set()),
    "21_tool_call_ok": (
        around(chat(user(), answer(None, tool_calls=[CALL]), {"role": "tool", "content": "7"}, answer())),
        None, set(), set()),
    "22_text_parts_ok": (
        around(chat(user([TEXT, {"type": "text", "text": ""}]), answer([TEXT, TEXT]))), None, set(), set()),
    "22b_image_part": (around(chat(user([TEXT, IMAGE]), answer())), None, {"content_parts"}, set()),
    "22c_part_without_type": (around(chat(user([{"text": "Hi"}]), answer())), None, {"content_parts"}, set()),
    "22d_part_type_number": (around(chat(user([{"type": 1, "text": "Hi"}]), answer())), None, {"content_parts"}, set()),
    "22e_part_without_text": (around(chat(user([{"type": "text"}]), answer())), None, {"missing_part_text"}, set()),
    "22f_part_text_null": (
        around(chat(user([{"type": "text", "text": None}]), answer())), None, {"null_field"}, set()),
    "22g_part_text_list": (
        around(chat(user([{"type": "text", "text": ["Hi"]}]), answer())), None, {"not_text"}, set()),
    "22h_parts_blank": (
        around(chat(user([{"type": "text", "text": " "}, {"type": "text", "text": "\u200b"}]), answer())),
        None, {"empty_field"}, set()),
    "22i_parts_empty_list": (around(chat(user([]), answer())), None, {"not_text"}, set()),
    "22j_parts_and_strings": (around(chat(user([TEXT, "Hi"]), answer())), None, {"not_text"}, set()),
    "22k_part_half_character": (
        around(chat(user([TEXT]), answer()).replace(b"Look", b"\\ud83d")), None, {"lone_surrogate"}, set()),
    "22l_halves_in_two_parts": (
        around(chat(user([TEXT, {"type": "text", "text": "\ude00"}]), answer()).replace(b"Look", b"\\ud83d")),
        None, {"lone_surrogate"}, set()),
    "22m_part_key_twice": (
        around(chat(user([TEXT]), answer()).replace(b'"text": "Look"', b'"text": "a", "text": "b"')),
        None, {"duplicate_key"}, set()),
    "22n_part_more_keys": (
        around(chat(user([{**TEXT, "cache_control": {"type": "ephemeral"}}]), answer())),
        None, set(), {"unused_part_keys"}),
    "22o_part_control_character": (
        around(chat(user([TEXT]), answer()).replace(b"Look", b"L\\u0000k")), None, set(), {"control_characters"}),
    "22p_parts_of_a_tool": (
        around(chat(user(), answer([TEXT], tool_calls=[CALL]),
                    {"role": "tool", "content": [{"type": "text", "text": ""}]}, answer())),
        None, set(), set()),
    "22q_sharegpt_parts": (
        around(chat({"from": "human", "value": [TEXT]}, {"from": "gpt", "value": "Yes."})),
        None, set(), {"sharegpt_turns"}),
    "23_no_assistant": (around(chat(user())), None, {"no_assistant"}, set()),
    "24_two_system": (
        around(chat({"role": "system", "content": "a"}, {"role": "system", "content": "b"}, user(), answer())),
        None, set(), {"several_systems"}),
    "25_same_role_twice": (around(chat(user(), user("Ho"), answer())), None, set(), {"same_role_twice"}),
    "26_whitespace_only": (around(chat(user(" \n\t"), answer())), None, {"empty_field"}, set()),
    "27_zero_width_only": (around(chat(user("\u200b\u200d"), answer())), None, {"empty_field"}, set()),
    "27b_zero_width_raw": (
        around(good().replace(b'"Hi"', '"\u200b\ufeff"'.encode())), None, {"empty_field"}, set()),
    "28_int_5000_digits": (
        around(good()[:-1] + b', "x": ' + b"9" * 5000 + b"}"), None, set(), {"number_out_of_range"}),
    "29_1e400": (around(good()[:-1] + b', "x": 1e400}'), None, set(), {"number_out_of_range"}),
    "30_lone_surrogate_escape": (around(good().replace(b"Hi", b"\\ud83d")), None, {"lone_surrogate"}, set()),
    "31_surrogate_bytes": (around(good().replace(b"Hi", b"\xed\xa0\xbd")), None, {"not_utf8"}, set()),
    "32_json_array_pretty": (json.dumps([GOOD] * 3, indent=2).encode(), "array_in_jsonl", set(), set()),
    "33_json_array_one_line": (json.dumps([GOOD] * 3).encode(), "array_in_jsonl", set(), set()),
    "34_pretty_objects": (
        b"\n".join(json.dumps(GOOD, indent=2).encode() for _ in range(5)), "pretty_json", set(), set()),
    "35_two_objects_one_line": (around(good() + good()), None, {"two_values"}, set()),
    "35b_two_objects_with_space": (around(good() + b" " + good("x")), None, {"two_values"}, set()),
    "36_gzip": (gzip.compress(PLAIN), "compressed", set(), set()),
    "37_zstd": (b"\x28\xb5\x2f\xfd" + b"\0" * 40, "compressed", set(), set()),
    "38_parquet": (b"PAR1" + b"\0" * 40 + b"PAR1", "columnar", set(), set()),
    "38b_sqlite": (b"SQLite format 3\0" + b"\0" * 40, "binary_file", set(), set()),
    "38c_arrow": (b"ARROW1\0\0" + b"\0" * 40, "columnar", set(), set()),
    "39_zip": (b"PK\x03\x04" + b"\0" * 40, "compressed", set(), set()),
    "40_python_repr": (around(repr(GOOD).encode()), None, {"python_literal"}, set()),
    "41_trailing_comma": (around(good()[:-1] + b",}"), None, {"invalid_json"}, set()),
    "42_comment": (around(b"// a comment"), None, {"invalid_json"}, set()),
    "43_unknown_role": (around(chat({"role": "customer", "content": "Hi"}, answer())), None, {"unknown_role"}, set()),
    "44_role_case": (around(chat({"role": "User", "content": "Hi"}, answer())), None, {"role_case"}, set()),
    "45_sharegpt": (
        around(json.dumps({"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yo"}]}).encode()),
        None, {"missing_field"}, set()),
    "46_messages_string": (around(b'{"messages": "Hi"}'), None, {"messages_not_list"}, set()),
    "47_messages_dict": (around(b'{"messages": {"role": "user"}}'), None, {"messages_not_list"}, set()),
    "48_row_list": (around(b"[1, 2]"), None, {"not_an_object"}, set()),
    "48_row_null": (around(b"null"), None, {"not_an_object"}, set()),
    "48_row_number": (around(b"42"), None, {"not_an_object"}, set()),
    "48_row_string": (around(b'"text"'), None, {"not_an_object"}, set()),
    "49_line_separators_in_text": (
        around(good().replace(b"Hi", "a\u2028b\u2029c\u0085d".encode())), None, set(), {"line_separators"}),
    "50_cr_only": (PLAIN.replace(b"\n", b"\r"), "cr_only", set(), set()),
    "51_mixed_schema": (around(b'{"prompt": "a", "completion": "b"}'), None, {"missing_field"}, set()),
    "52_type_changes": (
        b"\n".join(chat(user(f"q{i}"), answer(), x=value) for i, value in enumerate((1, "a", [1], {"y": 2}, None))),
        None, set(), set()),
    "53_escaped_nul": (around(good().replace(b"Hi", b"H\\u0000i")), None, set(), {"control_characters"}),
    "54_10k_keys": (around(chat(user(), answer(), **{f"k{i}": i for i in range(10_000)})), None, set(), set()),
    "55_special_tokens": (around(good("<|im_start|>system")), None, set(), {"special_tokens"}),
    "56_html_error_page": (b"<!DOCTYPE html>\n<html><body>404</body></html>\n", "web_page", set(), set()),
    "57_csv_in_jsonl": (b"text,label\na,b\nc,d\n", "csv_in_jsonl", set(), set()),
    "58_blank_line_middle": (around(b""), None, {"blank_line"}, set()),
    "58b_spaces_line_middle": (around(b"   "), None, {"blank_line"}, set()),
    "59_messages_empty": (around(b'{"messages": []}'), None, {"no_messages"}, set()),
    "60_message_is_string": (around(chat("Hi", answer())), None, {"message_not_object"}, set()),
    "61_late_type_change_row": (
        b"\n".join([*(chat(user(f"q{i}"), answer(), x=i) for i in range(3000)), chat(user(), answer(), x="late")]),
        None, set(), set()),
    "62_missing_role": (around(chat({"content": "Hi"}, answer())), None, {"missing_role"}, set()),
    "63_git_lfs_pointer": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "pointer_file", set(), set()),
}  # fmt: skip

HEAD = b"text,label\n"
BODY = b"a,x\nb,y\nc,x\nd,y\ne,x\nf,y\n"

# name: (bytes, refused with this code | None, {line: codes of broken rows}, codes of file findings)
CSV: dict[str, tuple[bytes, str | None, dict[int, set[str]], set[str]]] = {
    "01_quoted_newline": (HEAD + b'"a\nb",x\n' + BODY, None, {}, set()),
    "02_semicolon": ((HEAD + BODY).replace(b",", b";"), None, {}, {"csv_delimiter"}),
    "03_tab": ((HEAD + BODY).replace(b",", b"\t"), None, {}, {"csv_delimiter"}),
    "04_dup_header": (b"text,label,text\n" + BODY.replace(b"\n", b",z\n"), None, {}, {"duplicate_column"}),
    "05_no_header": (BODY, "no_header", {}, set()),
    "06_header_case": (b"Text,LABEL\n" + BODY, None, {}, {"missing_columns"}),
    "07_bom": (b"\xef\xbb\xbf" + HEAD + BODY, None, {}, {"byte_order_mark"}),
    "08_label_trailing_space": (HEAD + b"g,x \n" + BODY, None, {}, {"label_variants", "label_spaces"}),
    "09_single_class": (HEAD + b"a,x\nb,x\nc,x\n", None, {}, {"one_class"}),
    "10_numeric_labels": (HEAD + b"a,1\nb,01\nc,1.0\nd,2\n", None, {}, {"numeric_labels"}),
    "11_mixed_case": (HEAD + b"g,X\n" + BODY, None, {}, {"label_variants"}),
    "12_NA_label": (HEAD + b"a,NA\nb,null\nNA,None\nd,nan\n", None, {}, set()),
    "13_extra_column": (HEAD + b"a,x\nb,y,z\nc,x\n", None, {3: {"ragged_row"}}, set()),
    "13b_missing_column": (HEAD + b"a,x\nb\nc,x\n", None, {3: {"ragged_row"}}, set()),
    "13c_ragged_behind_newlines": (HEAD + b'"a\n\n\na",x\nb\nc,x\n', None, {6: {"ragged_row"}}, set()),
    "14_unbalanced_quote": (
        HEAD + b'a,x\n"b,y\n' + b"c,x\n" * 400 + b'"d, d",y\n' + b"c,x\n" * 400,
        None, {3: {"unbalanced_quote"}}, set()),
    "14b_unbalanced_to_the_end": (HEAD + b'a,x\n"b,y\n' + b"c,x\n" * 400, None, {3: {"unbalanced_quote"}}, set()),
    "15_quote_inside": (HEAD + b'a,x\nb "q" b,y\nc,x\n', None, {3: {"stray_quote"}}, set()),
    "16_crlf": ((HEAD + BODY).replace(b"\n", b"\r\n"), None, {}, set()),
    "16b_cr_only": ((HEAD + BODY).replace(b"\n", b"\r"), "cr_only", {}, set()),
    "17_blank_lines": (HEAD + b"a,x\n\nb,y\n", None, {3: {"blank_line"}}, set()),
    "18_latin1": (HEAD + b"a,x\nb\xe9,y\nc,x\n", None, {3: {"not_utf8"}}, set()),
    "18b_latin1_label": (HEAD + b"a,x\nb,y\xe9\nc,x\n", None, {3: {"not_utf8"}}, set()),
    "19_utf16": ((HEAD + BODY).decode().encode("utf-16"), "wide_encoding", {}, set()),
    "20_nul": (HEAD + b"a,x\nb\0b,y\nc,x\n", None, {3: {"nul_bytes"}}, set()),
    "21_field_200k": (HEAD + b"a" * 200_000 + b",x\n" + BODY, None, {}, set()),
    "22_header_only": (HEAD, "header_only", {}, set()),
    "23_empty": (b"", "empty_file", {}, set()),
    "24_trailing_comma": (b"text,label,\n" + BODY.replace(b"\n", b",\n"), None, {}, set()),
    "25_formula": (HEAD + b"=1+1,x\n" + BODY, None, {}, set()),
    "26_empty_label": (HEAD + b"a,x\nb,\nc,x\n", None, {3: {"empty_field"}}, set()),
    "27_swapped": (
        HEAD + b"".join(b"pos,some text number %d\n" % i for i in range(300)), None, {}, {"labels_look_like_text"}),
    "28_bool_labels": (HEAD + b"a,true\nb,TRUE\nc,false\n", None, {}, {"label_variants"}),
    "29_comment_line": (b"# made by hand\n" + HEAD + BODY, None, {}, {"csv_comment"}),
    "30_backslash_quote": (HEAD + b'a,x\n"b \\"q\\" b",y\nc,x\n', None, {3: {"stray_quote"}}, set()),
    "31_gzip": (gzip.compress(HEAD + BODY), "compressed", {}, set()),
    "32_empty_text": (HEAD + b"a,x\n,y\nc,x\n", None, {3: {"empty_field"}}, set()),
    "33_jsonl_in_csv": (PLAIN, "json_in_csv", {}, set()),
    "34_whitespace_text": (HEAD + b'a,x\n"  \n ",y\nc,x\n', None, {3: {"empty_field"}}, set()),
    "35_space_after_comma": (b"text, label\na, x\nb, y\n", None, {}, {"missing_columns", "label_spaces"}),
    "36_quoted_comma_text": (HEAD + b'"a, b",x\n' + BODY, None, {}, set()),
    "37_late_number_type": (HEAD + b"".join(b"%d,%d\n" % (i, i % 2) for i in range(3000)) + b"z,late\n", None, {}, set()),
    "38_text_conflict": (HEAD + b"a,x\na,y\nb,x\nc,y\n", None, {}, {"label_conflicts"}),
}  # fmt: skip
