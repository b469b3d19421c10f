"""The sentences of the import page, in Vietnamese and in English, by their names in its template.

It knows no other page.
"""

from collections.abc import Mapping
from typing import Final

from app.kit.text import Text

IMPORTING: Final[Mapping[str, Text]] = {
    "import": Text("Nhập tệp", "Import"),
    "import_intro": Text(
        "Sự việc, bảng trạng thái, danh mục đơn vị hoặc thủ tục. Chạy thử trước: chưa lưu gì cho đến khi bạn xem báo cáo và bấm nhập. Nhập lại cùng tệp không đếm trùng.",
        "Facts, status tables, units or procedures. A dry run comes first: nothing is stored until you have seen the report and run it. The same file again counts nothing twice.",
    ),
    "import_choose": Text("Chọn tệp", "Choose a file"),
    "import_file": Text("Tệp", "File"),
    "import_file_help": Text(
        "CSV, XLSX hoặc NDJSON, đến 2 MB. Tệp lớn hơn: dunghen import.",
        "CSV, XLSX or NDJSON, up to 2 MB. For larger ones: dunghen import.",
    ),
    "import_mapping": Text("Ánh xạ của bảng trạng thái", "Mapping of a status table"),
    "import_no_mapping": Text("không phải bảng trạng thái", "not a status table"),
    "import_source": Text("Nguồn của sự việc", "Source of the facts"),
    "import_kind": Text("Tệp chứa", "The file holds"),
    "import_found": Text("tự nhận biết", "find out"),
    "import_events": Text("sự việc", "facts"),
    "import_units": Text("đơn vị", "units"),
    "import_procedures": Text("thủ tục", "procedures"),
    "import_encoding": Text("Bộ mã của tệp CSV", "Encoding of a CSV file"),
    "import_sheet": Text("Trang tính (nếu không phải trang đầu)", "Sheet, if not the first"),
    "import_try": Text("Chạy thử", "Dry run"),
    "import_run": Text("Nhập", "Import"),
    "import_dry": Text("Kết quả chạy thử", "Dry run"),
    "import_done": Text("Đã nhập", "Imported"),
    "import_clean": Text("Không có lỗi.", "Nothing is wrong."),
    "import_some": Text(
        "Dòng có lỗi sẽ bị bỏ qua; sửa và nhập lại tệp sau cũng được.",
        "Rows with faults will be left out; correct them and import the file again whenever you like.",
    ),
    "import_soon": Text(
        "Số liệu sẽ gồm những sự việc này trong giây lát.", "Figures will include these facts in a moment."
    ),
    "import_faults": Text("Những gì bị từ chối", "What is refused"),
    "import_row": Text("Dòng", "Row"),
    "import_column": Text("Cột", "Column"),
    "import_reason": Text("Lý do", "Reason"),
}
