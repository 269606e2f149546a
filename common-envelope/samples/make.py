#!/usr/bin/env python3
"""Writes messages/, index.json and, where they are missing, the test keys.

Only who adds a sample needs it; to use them, read index.json. It shares no code with the platform: canonical forms are
libxml2's (python3-lxml), signatures OpenSSL's (python3-cryptography, 43 and later).
"""
import base64
import datetime
import hashlib
import json
import pathlib
import shutil

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from lxml import etree

HERE = pathlib.Path(__file__).parent
MESSAGES = HERE / "messages"
KEYS = HERE / "test-keys.json"

ENVELOPE = "https://xml-pipeline.org/ns/envelope/v1"
DELIVERY = "https://xml-pipeline.org/ns/delivery/v1"
SECURITY = "https://xml-pipeline.org/ns/security/v1"
CLOCK = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
NOW = int(CLOCK.timestamp())
TENANT = "sample-tenant"
LIMITS = {"bytes": 256 * 1024, "depth": 64, "elements": 4096, "attributes": 64, "name_characters": 1024}

cases = []


# ---- the pieces of an envelope

def uuid(kind):
    """One of its own for each sample, so that all may be sent to one tenant."""
    return f"0199c0de-7a11-7000-8{kind:03x}-{len(cases) + 1:012x}"


def meta(inner="", from_="console", thread=True, id_=True, to=None):
    return ("<meta><from>" + from_ + "</from>" + (f"<to>{to}</to>" if to else "")
            + (f"<thread>{uuid(1)}</thread>" if thread else "")
            + (f'<id xmlns="{DELIVERY}">{uuid(2)}</id>' if id_ else "") + inner + "</meta>")


NOTE = '<Note xmlns=""><Text>Hello</Text></Note>'


def message(meta_xml, payload=NOTE, attributes=""):
    return f'<message xmlns="{ENVELOPE}"{attributes}>{meta_xml}{payload}</message>'


def any_(inner, attributes=""):
    return message(meta(), f'<Any xmlns=""{attributes}>{inner}</Any>')


# ---- signing

def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def canonical(xml):
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    return etree.tostring(etree.fromstring(xml, parser), method="c14n", exclusive=True, with_comments=False)


def number(value):
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def make_keys():
    def okp(kid):
        key = ed25519.Ed25519PrivateKey.generate()
        raw = serialization.Encoding.Raw
        return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "alg": "EdDSA",
                "x": b64(key.public_key().public_bytes(raw, serialization.PublicFormat.Raw)),
                "d": b64(key.private_bytes(raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()))}

    point = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    wide = lambda value: b64(value.to_bytes(32, "big"))
    big = rsa.generate_private_key(65537, 2048).private_numbers()
    KEYS.write_text(json.dumps({"keys": [
        okp("test-ed25519"),
        {"kty": "EC", "crv": "P-256", "kid": "test-es256", "alg": "ES256", "x": wide(point.public_numbers.x),
         "y": wide(point.public_numbers.y), "d": wide(point.private_value)},
        {"kty": "RSA", "kid": "test-rs256", "alg": "RS256", "n": number(big.public_numbers.n), "e": number(big.public_numbers.e),
         "d": number(big.d), "p": number(big.p), "q": number(big.q), "dp": number(big.dmp1), "dq": number(big.dmq1),
         "qi": number(big.iqmp)},
        okp("test-unregistered"),
    ]}, indent=2) + "\n")


if not KEYS.exists():
    make_keys()
JWKS = {key["kid"]: key for key in json.loads(KEYS.read_text())["keys"]}


def whole(text):
    return int.from_bytes(base64.urlsafe_b64decode(text + "=="), "big")


def signature(kid, content):
    key = JWKS[kid]
    if key["alg"] == "EdDSA":
        return ed25519.Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(key["d"] + "==")).sign(content)
    if key["alg"] == "ES256":
        r, s = utils.decode_dss_signature(es256_der(kid, content))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return rs256(kid).sign(content, padding.PKCS1v15(), hashes.SHA256())


def es256_der(kid, content):
    private = ec.derive_private_key(whole(JWKS[kid]["d"]), ec.SECP256R1())
    return private.sign(content, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def rs256(kid):
    key = JWKS[kid]
    public = rsa.RSAPublicNumbers(whole(key["e"]), whole(key["n"]))
    return rsa.RSAPrivateNumbers(*(whole(key[part]) for part in ("p", "q", "d", "dp", "dq", "qi")), public).private_key()


def hmac256(secret, content):
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(content)
    return mac.finalize()


def claims_of(xml, **changes):
    tree = etree.fromstring(xml)
    text = lambda name: (tree.findtext(f"{{{ENVELOPE}}}meta/{{{name[0]}}}{name[1]}") or "").strip()
    claims = {"iss": TENANT, "tenant": TENANT, "sub": text((ENVELOPE, "from")), "aud": "agentserver", "iat": NOW, "exp": NOW + 300,
              "jti": text((DELIVERY, "id")).lower(), "thread": text((ENVELOPE, "thread")).lower(),
              "digest": "sha-256=:" + base64.b64encode(hashlib.sha256(canonical(xml.encode())).digest()).decode() + ":"}
    claims.update(changes)
    return {name: value for name, value in claims.items() if value is not None}


def compact(value):
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def token(xml, kid="test-ed25519", header=None, claims=None, signer=None, **changes):
    """header, claims: instead of the right ones, as JSON text or a dict; changes: of single claims, None leaves one out."""
    head = {"alg": JWKS[kid]["alg"], "kid": kid, "typ": "envelope+jwt"} if header is None else header
    body = claims_of(xml, **changes) if claims is None else claims
    content = b64(head if isinstance(head, bytes) else compact(head).encode()) + "." + b64(compact(body).encode())
    return content + "." + b64((signer or (lambda c: signature(kid, c)))(content.encode()))


def with_token(xml, jwt, element=None):
    return xml.replace("</meta>", (element or f'<jwt xmlns="{SECURITY}">%s</jwt>') % jwt + "</meta>", 1)


def signed(xml=None, **how):
    xml = xml or message(meta())
    return with_token(xml, token(xml, **how))


# ---- the cases

def case(name, content, why, signed_=False, repeat=(), form=None, **expected):
    """form: the canonical form, where libxml2 has it wrong."""
    data = content if isinstance(content, bytes) else content.encode()
    assert name not in [c["name"] for c in cases], name
    (MESSAGES / (name + ".xml")).write_bytes(data)
    entry = {"name": name, "file": "messages/" + name + ".xml"}
    if repeat:
        entry["repeat"] = [dict(zip(("mark", "text", "times"), r)) for r in repeat]
        for mark, text, times in repeat:
            assert data.count(mark.encode()) == 1, (name, mark)
            data = data.replace(mark.encode(), text.encode() * times)
    entry["signed"] = signed_
    if "status" not in expected:
        entry["expect"] = {"outcome": "accepted", "canonical_sha256": hashlib.sha256(form or canonical(data)).hexdigest()}
    else:
        entry["expect"] = {"outcome": "refused", **expected}
    entry["why"] = why
    cases.append(entry)


def good(name, content, why, **more):
    case(name, content, why, **more)


def malformed(name, content, why, **more):
    case(name, content, why, status=400, problem="malformed-xml", **more)


def invalid(name, content, pointer, why, **more):
    case(name, content, why, status=422, problem="invalid-envelope", pointer=pointer, **more)


def forged(name, content, why):
    case(name, content, why, signed_=True, status=401, problem="invalid-signature")


def shapes():
    good("plain", message(meta()), "The shape that most messages have.")
    good("pretty", f"""<?xml version="1.0" encoding="UTF-8"?>
<message xmlns="{ENVELOPE}">
  <meta>
    <from>console</from>
    <to>notes</to>
    <thread>{uuid(1)}</thread>
    <id xmlns="{DELIVERY}">{uuid(2)}</id>
  </meta>
  <Note xmlns="">
    <Text>Hello</Text>
  </Note>
</message>
""", "White space between elements is kept in the canonical form; what is around the root element is not.")
    good("without-ids", message(meta(thread=False, id_=False)), "Without a signature, <thread> and <id> may be left out.")
    good("without-thread", message(meta(thread=False)), "An <id> alone opens a new conversation.")
    good("without-id", message(meta(id_=False)), "A <thread> alone: the message gets a new id.")
    good("addressed", message(meta(to="anything"), '<Any xmlns=""/>'), "<to> names the listener.")
    good("longest-name", message(meta(from_="c" + "x" * 127)), "A name has up to 128 characters.")
    good("name-characters", message(meta(from_="A.b_c-9")), "A name may have dots, underscores, hyphens and digits.")
    good("blanks-around-values", message(meta().replace("console", "\n  console\t")),
         "White space around a value of <meta> does not count.")
    good("upper-case-id", message(meta().replace(uuid(1), uuid(1).upper())), "A UUID may be in capitals.")
    good("foreign-meta", message(meta('<trace xmlns="urn:samples:trace" a="1">on<b/></trace>')),
         "<meta> is open to elements of foreign namespaces.")
    good("prefixed", f'<e:message xmlns:e="{ENVELOPE}"><e:meta><e:from>console</e:from><e:thread>{uuid(1)}</e:thread>'
         f'<d:id xmlns:d="{DELIVERY}">{uuid(2)}</d:id></e:meta><Note><Text>Hello</Text></Note></e:message>',
         "Prefixes in place of default namespaces.")
    good("payload-default-namespace", message(meta(), '<Shape xmlns="urn:samples:shapes" unit="cm"><Side>1</Side></Shape>'),
         "A payload of a namespace, declared as the default one.")
    good("payload-prefixed", message(meta(), '<s:Shape xmlns:s="urn:samples:shapes"><s:Side>1.5</s:Side></s:Shape>'),
         "A payload of a namespace, by a prefix.")
    good("payload-prefix-declared-above", message(meta(), "<s:Shape><s:Side>2</s:Side></s:Shape>",
                                                  ' xmlns:s="urn:samples:shapes" xmlns:unused="urn:samples:unused"'),
         "A namespace is declared where it is used; one that is not used goes.")
    good("byte-order-mark", "\ufeff" + message(meta()), "UTF-8 with a byte order mark.")
    good("utf-16-le", ("\ufeff" + any_("gr\u00fc\u00dfe \U0001f600")).encode("utf-16-le"), "UTF-16, little endian, with its byte order mark.")
    good("utf-16-be", ("\ufeff<?xml version='1.0' encoding='UTF-16'?>" + any_("gr\u00fc\u00dfe")).encode("utf-16-be"),
         "UTF-16, big endian, declared.")
    good("standalone", "<?xml version='1.0' standalone='yes'?>" + message(meta()), "A standalone declaration says nothing here.")


def canonical_forms():
    good("cdata", any_("a<![CDATA[<b> & ]]]]><![CDATA[> ]]>c"), "CDATA is text.")
    good("cdata-in-meta", message(meta().replace("console", "<![CDATA[con]]>sole")), "CDATA is text in <meta> too.")
    good("character-references", any_("&#72;&#x69; &#13;&#10;&#9;&#x1F600; &#x85;&#x2028;"), "References are the characters that they name.")
    good("character-references-in-attributes", any_("", ' a="&#13;&#10;&#9;&#32;&lt;&#38;&quot;&apos;>"'),
         "In an attribute, a referred line end or tab is kept, and written as a reference.")
    good("character-reference-in-meta", message(meta().replace("console", "c&#111;nsole")), "References are text in <meta> too.")
    good("built-in-entities", any_("&lt;&gt;&amp;&quot;&apos; > \" '"), "The five built-in entities.")
    good("attribute-order", any_('<x b="2" a="1" q:a="4" p:b="3"/>', ' xmlns:p="urn:samples:z" xmlns:q="urn:samples:a"'),
         "Attributes without a namespace by name, then the others by namespace and name.")
    good("attribute-white-space", any_('<x  a = "1\n2\t3"\n  b=\'"\' />'), "Line ends and tabs in an attribute are blanks; quotes are double ones.")
    good("line-ends", any_("a\r\nb\rc\nd"), "Every line end is one line feed.")
    good("empty-elements", any_("<a/><b></b><c />"), "An empty element is a pair of tags.")
    good("comments", "<!-- a --><message xmlns=\"%s\"><!-- b -->%s<Any xmlns=\"\">x<!-- c -->y</Any></message><!-- d -->"
         % (ENVELOPE, meta()), "Comments outside <meta> are dropped.")
    good("namespace-redeclared", any_('<p:a xmlns:p="urn:samples:a"><p:b xmlns:p="urn:samples:b"><p:c xmlns:p="urn:samples:a"/></p:b></p:a>'),
         "A prefix with another namespace inside is declared again.")
    good("namespace-repeated", any_('<p:a xmlns:p="urn:samples:a"><p:b xmlns:p="urn:samples:a"/></p:a>'),
         "A prefix that means the same inside is not declared again.")
    good("namespace-of-siblings", any_('<p:b/><p:b/><c p:d="1"/>', ' xmlns:p="urn:samples:a"'), "Each place that uses a namespace declares it.")
    good("namespace-unset-and-set", any_('<a xmlns="urn:samples:a"><b xmlns=""><c xmlns="urn:samples:a"/></b></a>'),
         "The default namespace taken away and given again.")
    good("namespace-two-prefixes", any_('<p:a xmlns:p="urn:samples:a" xmlns:q="urn:samples:a" q:x="1" y="2"/>'),
         "Two prefixes of one namespace stay two.")
    escaped = any_('<p:a xmlns:p="urn:samples:?a=1&amp;b=2"></p:a>')  # libxml2 2.14 writes the & bare, which is no XML
    good("namespace-escaped", escaped, "A namespace is escaped like an attribute.", form=escaped.encode())
    good("xml-attributes", any_('<a xml:lang="de" xml:space="preserve"> b </a>'), "xml:lang and xml:space, whose namespace nobody declares.")
    good("beyond-the-basic-plane", any_("<\u00c9l\u00e9ment \u00e4=\"\U00010000\">\U0010fffd</\u00c9l\u00e9ment>"), "Letters and characters beyond ASCII.")
    good("xinclude", any_('<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'),
         "XInclude is text to us: nothing is read.")
    good("schema-location", any_("", ' xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
                                     'i:schemaLocation="urn:x http://127.0.0.1:9/x.xsd" i:noNamespaceSchemaLocation="file:///etc/passwd"'),
         "Schema locations are attributes like others: nothing is fetched.")
    good("looks-like-markup", any_("&lt;!DOCTYPE x&gt;&lt;?pi?&gt;<![CDATA[<!ENTITY a \"b\">]]>"), "What only looks like markup is text.")
    good("payload-in-the-envelope-namespace", message(meta(to="anything"), "<Any/>").replace("<Any/>", '<Any xmlns=""><e:from xmlns:e="%s">x</e:from></Any>' % ENVELOPE),
         "The envelope's own names inside the payload are the payload's.")


def limits():
    good("depth-64", any_("@open@@close@"), "64 levels are the most: <message>, <Any> and 62 more.",
         repeat=[("@open@", "<a>", 62), ("@close@", "</a>", 62)])
    malformed("depth-65", any_("@open@@close@"), "65 levels.", repeat=[("@open@", "<a>", 63), ("@close@", "</a>", 63)])
    malformed("depth-50000", "@open@", "So deep that a reader that recurses has no stack left.", repeat=[("@open@", "<a>", 50000)])
    inside = 6  # message, meta, from, thread, id, Any
    good("elements-4096", any_("@elements@"), "4,096 elements are the most.", repeat=[("@elements@", "<a/>", 4096 - inside)])
    malformed("elements-4097", any_("@elements@"), "4,097 elements.", repeat=[("@elements@", "<a/>", 4097 - inside)])
    numbered = lambda count: "".join(f' a{i}=""' for i in range(count))
    good("attributes-64", any_("<x" + numbered(64) + "/>"), "64 attributes are the most on an element.")
    malformed("attributes-65", any_("<x" + numbered(65) + "/>"), "65 attributes.")
    good("attributes-64-with-namespaces", any_('<x xmlns:p="urn:samples:p"' + numbered(63) + "/>"), "Declarations of namespaces count as attributes.")
    malformed("attributes-65-with-namespaces", any_('<x xmlns:p="urn:samples:p"' + numbered(64) + "/>"), "64 attributes and a declaration.")
    good("name-1024", any_("<@name@/>"), "A name has up to 1,024 characters.", repeat=[("@name@", "n", 1024)])
    malformed("name-1025", any_("<@name@/>"), "A name of 1,025 characters.", repeat=[("@name@", "n", 1025)])
    malformed("attribute-name-1025", any_('<a @name@="1"/>'), "An attribute's name of 1,025 characters.", repeat=[("@name@", "n", 1025)])
    malformed("prefix-1025", any_('<@one@:a xmlns:@two@="urn:samples:p"/>'), "A prefix of 1,025 characters.",
              repeat=[("@one@", "n", 1025), ("@two@", "n", 1025)])
    good("namespace-1024", any_('<a xmlns="urn:@ns@"/>'), "A namespace has up to 1,024 characters.", repeat=[("@ns@", "n", 1020)])
    malformed("namespace-1025", any_('<a xmlns="urn:@ns@"/>'), "A namespace of 1,025 characters.", repeat=[("@ns@", "n", 1021)])
    room = LIMITS["bytes"] - len(any_("").encode())
    good("bytes-262144", any_("@text@"), "256 KiB are the most.", repeat=[("@text@", "x", room)])
    case("bytes-262145", any_("@text@"), "One byte more.", repeat=[("@text@", "x", room + 1)], status=413, problem="too-large")
    malformed("namespaces-repeated", message(meta(), '<Any xmlns="">@elements@</Any>',
                                             "".join(f' xmlns:n{i}="urn:{"x" * 1000}{i}"' for i in range(50))),
              "The canonical form would repeat the namespaces 400 times and be 20 MB long: it may be four times the limit.",
              repeat=[("@elements@", "<a" + "".join(f' n{i}:x=""' for i in range(50)) + "/>", 400)])


def not_xml():
    whole_ = message(meta())
    malformed("doctype", "<!DOCTYPE message>" + whole_, "A DOCTYPE of any kind is refused, not skipped.")
    malformed("doctype-external", '<!DOCTYPE message SYSTEM "http://127.0.0.1:9/x.dtd">' + whole_, "Nothing is fetched.")
    malformed("entity-internal", '<!DOCTYPE message [<!ENTITY a "b">]>' + any_("&a;"), "An entity of one's own.")
    malformed("entity-unused", '<!DOCTYPE message [<!ENTITY a "b">]>' + whole_, "Not even where it is not used.")
    malformed("entity-file", '<!DOCTYPE message [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + any_("&a;"), "No file is read.")
    malformed("entity-parameter", '<!DOCTYPE message [<!ENTITY % a SYSTEM "http://127.0.0.1:9/a">%a;]>' + whole_, "No parameter entities.")
    bomb = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 11))
    malformed("entity-bomb", f"<!DOCTYPE message [{bomb}]>" + any_("&a10;"), "Ten thousand million copies of a word.")
    malformed("entity-quadratic", '<!DOCTYPE message [<!ENTITY a "@text@">]>' + any_("@uses@"), "One long entity, used often.",
              repeat=[("@text@", "x", 50000), ("@uses@", "&a;", 20000)])
    malformed("entity-itself", '<!DOCTYPE message [<!ENTITY a "&b;"><!ENTITY b "&a;">]>' + any_("&a;"), "An entity that is made of itself.")
    malformed("entity-unknown", any_("&nbsp;"), "An entity that nobody declared.")
    malformed("entity-in-attribute", any_("", ' a="&nbsp;"'), "Nor in an attribute.")
    malformed("pi-before", "<?style x?>" + whole_, "A processing instruction before the root element.")
    malformed("pi-inside", any_("<?php echo 1 ?>"), "In the payload.")
    malformed("pi-in-meta", message(meta("<?x?>")), "In <meta>.")
    malformed("pi-after", whole_ + "<?x?>", "After the root element.")
    malformed("comment-in-meta", message(meta().replace("console", "con<!-- -->sole")), "It splits text differently for different readers.")
    malformed("comment-between-meta-elements", message(meta("<!-- x -->")), "Nowhere in <meta>.")
    malformed("comment-in-foreign-meta", message(meta('<x xmlns="urn:samples:x"><!-- x --></x>')), "Nor in a foreign element of it.")
    malformed("empty", "", "Nothing.")
    malformed("blank", " \n", "Nothing but white space.")
    malformed("text", "Hello", "No XML.")
    malformed("json", '{"payload":{"Note":{"Text":"Hello"}}}', "JSON that is called XML.")
    malformed("cut-short", whole_[:-5], "The end is missing.")
    malformed("mismatched-tags", any_("<a><b></a></b>"), "Tags that do not match.")
    malformed("two-roots", whole_ + whole_, "Two documents.")
    malformed("text-after-root", whole_ + "x", "Text after the root element.")
    malformed("blank-before-declaration", " <?xml version='1.0'?>" + whole_, "The XML declaration is not at the beginning.")
    malformed("attribute-twice", any_('<a b="1" b="2"/>'), "An attribute twice.")
    malformed("attribute-twice-by-namespace", any_('<a p:b="1" q:b="2"/>', ' xmlns:p="urn:samples:a" xmlns:q="urn:samples:a"'),
              "An attribute twice, by two prefixes.")
    malformed("attribute-unquoted", any_("<a b=1/>"), "An attribute without quotes.")
    malformed("attribute-less-than", any_('<a b="<"/>'), "A bare < in an attribute.")
    malformed("ampersand", any_("a & b"), "A bare ampersand.")
    malformed("cdata-end", any_("a ]]> b"), "The end of a CDATA section that never began.")
    malformed("comment-hyphens", any_("<!-- a -- b -->"), "Two hyphens in a comment.")
    malformed("prefix-undeclared", any_("<p:a/>"), "A prefix that nobody declared.")
    malformed("prefix-undeclared-attribute", any_('<a p:b="1"/>'), "Nor for an attribute.")
    malformed("prefix-empty-namespace", any_('<p:a xmlns:p=""/>'), "A prefix cannot be taken away.")
    malformed("prefix-xmlns", any_('<a xmlns:xmlns="urn:samples:a"/>'), "xmlns is no prefix of one's own.")
    malformed("prefix-xml", any_('<a xmlns:xml="urn:samples:a"/>'), "xml is the prefix of its own namespace alone.")
    malformed("two-colons", any_('<p:q:a xmlns:p="urn:samples:a"/>'), "A name with two colons.")
    malformed("namespace-relative", any_('<a xmlns="relative/path"/>'), "Canonical form gives a relative namespace no meaning.")
    malformed("namespace-no-uri", any_('<a xmlns="urn:a b"/>'), "A namespace that is no URI.")
    malformed("control-character", any_("a\x01b"), "A character that XML does not have.")
    malformed("control-character-reference", any_("&#1;"), "Nor by reference.")
    malformed("nul", any_("a\0b"), "A NUL.")
    malformed("nul-reference", any_("&#0;"), "Nor by reference.")
    malformed("surrogate-reference", any_("&#xD800;"), "Half a surrogate pair.")
    malformed("surrogate-pair-references", any_("&#xD83D;&#xDE00;"), "References are of characters, not of UTF-16's halves.")
    malformed("reference-too-large", any_("&#x110000;"), "Beyond Unicode.")
    malformed("reference-overflow", any_("&#x100000041;"), "Beyond 32 bits, where it would be an A.")
    malformed("not-a-character", any_("\ufffe"), "U+FFFE is no character.")
    raw = lambda data: any_("@@").encode().replace(b"@@", data)
    malformed("utf-8-broken", raw(b"\xff"), "A byte that UTF-8 does not have.")
    malformed("utf-8-cut-short", raw(b"\xe2\x82"), "A character that is cut short.")
    malformed("utf-8-overlong", raw(b"\xc0\xbc"), "A < in two bytes.")
    malformed("utf-8-surrogate", raw(b"\xed\xa0\xbd"), "Half a surrogate pair in UTF-8.")
    malformed("utf-8-beyond-unicode", raw(b"\xf4\x90\x80\x80"), "Beyond Unicode.")
    malformed("utf-16-surrogate", ("\ufeff" + any_("@")).encode("utf-16-le").replace("@".encode("utf-16-le"), b"\x3d\xd8"),
              "Half a surrogate pair in UTF-16.")
    malformed("utf-16-odd", ("\ufeff" + message(meta())).encode("utf-16-le")[:-1], "Half a character.")
    malformed("utf-32", ("\ufeff" + whole_).encode("utf-32-le"), "UTF-32.")
    malformed("encoding-utf-7", "<?xml version='1.0' encoding='UTF-7'?>" + any_("+ADw-a/+AD4-"), "UTF-7.")
    malformed("encoding-latin-1", ("<?xml version='1.0' encoding='ISO-8859-1'?>" + any_("\u00fc")).encode("latin-1"), "ISO 8859-1.")
    malformed("encoding-ebcdic", ("<?xml version='1.0' encoding='IBM037'?>" + whole_).encode("cp037"), "EBCDIC.")
    malformed("encoding-unknown", "<?xml version='1.0' encoding='x'?>" + whole_, "An encoding that does not exist.")
    malformed("version-1-1", "<?xml version='1.1'?>" + whole_, "XML 1.1.")
    malformed("byte-order-mark-twice", "\ufeff\ufeff" + whole_, "Two byte order marks.")


def not_envelopes():
    invalid("other-root", f'<envelope xmlns="{ENVELOPE}">{meta()}{NOTE}</envelope>', "/", "Another root element.")
    invalid("no-namespace", message(meta()).replace(f' xmlns="{ENVELOPE}"', "", 1), "/", "<message> of no namespace.")
    invalid("other-version", message(meta()).replace("envelope/v1", "envelope/v2", 1), "/", "<message> of another version.")
    invalid("message-attribute", message(meta(), attributes=' a="1"'), "/message", "<message> takes no attributes.")
    invalid("message-schema-location", message(meta(), attributes=' xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="a b"'),
            "/message", "Nor a schema location.")
    invalid("meta-attribute", message(meta().replace("<meta>", '<meta a="1">')), "/message/meta", "<meta> takes no attributes.")
    invalid("no-payload", message(meta(), ""), "/message", "No payload.")
    invalid("two-payloads", message(meta(), NOTE + NOTE), "/message", "Two payloads.")
    invalid("text-payload", message(meta(), "Hello"), "/message", "Text in place of a payload.")
    invalid("text-beside-payload", message(meta(), NOTE + "x"), "/message", "Text beside the payload.")
    invalid("odd-blank-beside-payload", message(meta(), NOTE + "\u2003"), "/message", "An em space is text: XML's white space is blank, tab and line end.")
    invalid("payload-is-message", message(meta(), message(meta())), "/message/message", "A message as payload of a message.")
    invalid("no-meta", message("", NOTE), "/message/meta", "No <meta>.")
    invalid("meta-last", message("", NOTE + meta()), "/message/meta", "<meta> comes first.")
    invalid("meta-of-no-namespace", message(meta().replace("<meta>", '<meta xmlns="">')), "/message/meta", "<meta> of no namespace.")
    invalid("two-metas", message(meta() + meta(), ""), "/message/meta", "<meta> in the place of the payload.")
    invalid("two-metas-and-payload", message(meta() + meta()), "/message", "A second <meta>.")
    invalid("text-in-meta", message(meta("x")), "/message/meta", "Text between the elements of <meta>.")
    invalid("no-from", message(meta().replace("<from>console</from>", "")), "/message/meta/from", "No <from>.")
    invalid("two-froms", message(meta().replace("<from>", "<from>a</from><from>")), "/message/meta/from", "Two of them.")
    invalid("from-empty", message(meta(from_="")), "/message/meta/from", "An empty name.")
    invalid("from-digit", message(meta(from_="1a")), "/message/meta/from", "A name begins with a letter.")
    invalid("from-129", message(meta(from_="c" * 129)), "/message/meta/from", "A name of 129 characters.")
    invalid("from-look-alike", message(meta(from_="\u0441onsole")), "/message/meta/from", "A Cyrillic letter.")
    invalid("from-path", message(meta(from_="a/../b")), "/message/meta/from", "A path.")
    invalid("from-blank-inside", message(meta(from_="con sole")), "/message/meta/from", "A blank inside.")
    invalid("from-odd-blank", message(meta(from_="\u2003console")), "/message/meta/from", "An em space is no white space that may stand around a value.")
    invalid("from-attribute", message(meta().replace("<from>", '<from a="1">')), "/message/meta/from", "<from> takes no attributes.")
    invalid("from-element", message(meta(from_="con<b/>sole")), "/message/meta/from", "<from> takes text alone.")
    invalid("from-of-no-namespace", message(meta().replace("<from>", '<from xmlns="">')), "/message/meta/from", "<from> of no namespace.")
    invalid("to-bad", message(meta(to="a b")), "/message/meta/to", "No name.")
    invalid("to-before-from", message(meta().replace("<from>console</from>", "<to>notes</to><from>console</from>")), "/message/meta", "The order is fixed.")
    invalid("thread-before-to", message(meta().replace("</thread>", "</thread><to>notes</to>")), "/message/meta", "The order is fixed.")
    invalid("own-after-foreign", message(meta(thread=False).replace("</meta>", f"<thread>{uuid(1)}</thread></meta>")), "/message/meta",
            "What is the envelope's own comes before all else.")
    for name, text, why in (("short", "1-1-1-1-1", "Digits are missing."), ("braces", "{%s}", "Braces."), ("urn", "urn:uuid:%s", "A URN."),
                            ("letters", "g199c0de-7a11-7000-8000-000000000001", "No hexadecimal digit."), ("empty", "", "Nothing.")):
        invalid("thread-" + name, message(meta().replace(uuid(1), text.replace("%s", uuid(1)))), "/message/meta/thread", why)
    invalid("id-bad", message(meta().replace(uuid(2), "1")), "/message/meta/id", "No UUID.")
    invalid("id-attribute", message(meta().replace("<id ", '<id a="1" ')), "/message/meta/id", "<id> takes no attributes.")
    invalid("two-ids", message(meta(f'<id xmlns="{DELIVERY}">{uuid(2)}</id>')), "/message/meta/id", "Two of them.")
    invalid("id-of-the-envelope-namespace", message(meta(f"<id>{uuid(2)}</id>", id_=False)), "/message/meta/id", "<id> is of another namespace.")
    invalid("unknown-delivery-element", message(meta(f'<priority xmlns="{DELIVERY}">1</priority>')), "/message/meta/priority",
            "In <meta>, a name that our namespace does not have.")
    invalid("unknown-own-namespace", message(meta('<x xmlns="https://xml-pipeline.org/ns/other/v1"/>')), "/message/meta/x",
            "In <meta>, a namespace of ours that does not exist.")
    for name in ("conversation", "turn", "cause"):
        invalid(name, message(meta(f'<{name} xmlns="{DELIVERY}">{uuid(3)}</{name}>')), "/message/meta/" + name,
                "It is the platform's own: a client cannot pretend to be inside.")
    invalid("from-core", message(meta(from_="core")), "/message/meta/from", "The platform's own name.")
    invalid("from-system", message(meta(from_="system")), "/message/meta/from", "The platform's own name.")
    invalid("from-listener", message(meta(from_="notes")), "/message/meta/from", "A client's name is no listener's.")


def not_for_listeners():
    unknown = {"status": 422, "problem": "unknown-listener"}
    case("to-unknown", message(meta(to="nobody")), "No such listener.", **unknown)
    case("root-unknown", message(meta(), '<Nothing xmlns=""/>'), "No listener takes this root element.", **unknown)
    case("root-of-another-namespace", message(meta(), '<Note xmlns="urn:samples:other"><Text>x</Text></Note>'), "Nor of this namespace.", **unknown)
    bad = lambda pointer: {"status": 422, "problem": "invalid-payload", "pointer": pointer}
    case("payload-field-missing", message(meta(), '<Note xmlns=""/>'), "A field is missing.", **bad("/message/Note"))
    case("payload-field-unknown", message(meta(), '<Note xmlns=""><Text>x</Text><Other/></Note>'), "A field that is not declared.", **bad("/message/Note/Other"))
    case("payload-field-type", message(meta(), '<Note xmlns=""><Text>x</Text><Priority>high</Priority></Note>'), "No number.", **bad("/message/Note/Priority"))
    case("payload-field-range", message(meta(), '<Note xmlns=""><Text>x</Text><Priority>10</Priority></Note>'), "Too large a number.", **bad("/message/Note/Priority"))
    case("payload-field-long", message(meta(), f'<Note xmlns=""><Text>{"x" * 101}</Text></Note>'), "Too long a text.", **bad("/message/Note/Text"))
    case("payload-shape", message(meta(), '<Shape xmlns="urn:samples:shapes"><Side>long</Side></Shape>'), "No decimal number.", **bad("/message/Shape/Side"))


def signatures():
    for kid in ("test-ed25519", "test-es256", "test-rs256"):
        good("signed-" + kid[5:], signed(kid=kid), f"Signed with {JWKS[kid]['alg']}.", signed_=True)
    base = message(meta())
    good("signed-pretty", with_token(base, token(base)).replace("><", ">\n<", 0), "The digest is of the canonical form without <jwt>.", signed_=True)
    base = message(meta('<trace xmlns="urn:samples:trace">on</trace>'), '<Any xmlns="" b="2" a=\'1\'><c/><![CDATA[&]]></Any>')
    good("signed-not-canonical", with_token(base, token(base)), "It need not be sent in canonical form.", signed_=True)
    base = message(meta())
    good("signed-jwt-first", base.replace("<id ", f'<s:jwt xmlns:s="{SECURITY}">\n {token(base)}\n</s:jwt><id '),
         "<jwt> may stand anywhere behind the envelope's own elements, with a prefix, with white space around the token.", signed_=True)
    good("signed-utf-16", ("\ufeff" + signed(any_("gr\u00fc\u00dfe"))).encode("utf-16-le"), "The encoding is no part of the canonical form.", signed_=True)
    good("signed-upper-case-id", signed(message(meta().replace(uuid(2), uuid(2).upper()))), "Claims have the id in its usual spelling.", signed_=True)
    good("signed-minute-old", signed(iat=NOW - 360, exp=NOW - 60), "A minute of clock skew is allowed.", signed_=True)
    good("signed-minute-early", signed(iat=NOW + 60, exp=NOW + 360), "A minute of clock skew is allowed.", signed_=True)
    good("signed-more-claims", signed(nbf=NOW, name="x"), "Claims that mean nothing here.", signed_=True)

    forged("changed-payload", signed().replace("Hello", "Hellp"), "One byte of the payload was changed.")
    forged("changed-blank", signed().replace("</meta>", "</meta> "), "One blank was added.")
    forged("changed-from", signed().replace("console", "consolf"), "<from> was changed.")
    forged("changed-to", signed().replace("<thread>", "<to>notes</to><thread>"), "<to> was added.")
    forged("changed-thread", signed().replace(uuid(1), uuid(9)), "<thread> was changed.")
    forged("changed-id", signed().replace(uuid(2), uuid(9)), "<id> was changed.")
    forged("changed-comment", signed(any_("a")).replace("</message>", "<b/></message>"), "A second payload was added.")
    forged("foreign-meta-added", signed().replace("<jwt", '<x xmlns="urn:samples:x"/><jwt'), "A foreign element was added to <meta>.")
    whole_ = signed()
    forged("wrapped", message(meta(), '<Any xmlns="">' + whole_ + "</Any>").replace("</meta>", with_token("</meta>", token(message(meta()))), 1),
           "The signed message in another's payload, its token outside.")
    forged("wrapped-in-meta", message(meta('<x xmlns="urn:samples:x">' + message(meta()) + "</x>"), '<Any xmlns=""/>')
           .replace("</meta><Any", with_token("</meta>", token(message(meta()))) + "<Any"), "The signed message in a foreign element of <meta>.")
    forged("jwt-in-payload", message(meta(), f'<Any xmlns=""><jwt xmlns="{SECURITY}">x</jwt></Any>').replace(
        "</meta>", f'<jwt xmlns="{SECURITY}"></jwt></meta>', 1), "The token is empty.")
    forged("jwt-twice", with_token(with_token(base, token(base)), token(base)), "Two tokens.")
    forged("jwt-nested", base.replace("</meta>", f'<jwt xmlns="{SECURITY}"><b>{token(base)}</b></jwt></meta>'), "The token in an element.")
    forged("second-meta", signed().replace("</meta>", "</meta><meta><from>other</from></meta>"), "A second <meta>.")
    forged("second-message", signed().replace(NOTE, base), "A message in the payload's place.")
    base = message(meta(thread=False))
    forged("no-thread", signed(base, thread=""), "A signed message has its <thread>.")
    base = message(meta(id_=False))
    forged("no-id", signed(base, jti=""), "A signed message has its <id>.")
    base = message(meta(f'<turn xmlns="{DELIVERY}">{uuid(3)}</turn><cause xmlns="{DELIVERY}">{uuid(3)}</cause>'))
    forged("inside-elements", signed(base), "<turn> and <cause> are the platform's own.")
    base = message(meta(f'<turn xmlns="{DELIVERY}">{uuid(3)}</turn><cause xmlns="{DELIVERY}">{uuid(3)}</cause>'))
    forged("inside-elements-and-claims", signed(base, turn=uuid(3), cause=uuid(3), version=1), "Whoever claims them.")
    for claim, value in (("turn", "0199c0de-7a11-7000-8003-000000000001"), ("cause", "0199c0de-7a11-7000-8003-000000000001"), ("version", 1)):
        forged("claim-" + claim, signed(**{claim: value}), "A claim of the platform's own.")


def tokens():
    head = lambda **changes: {k: v for k, v in {"alg": "EdDSA", "kid": "test-ed25519", "typ": "envelope+jwt", **changes}.items() if v is not None}
    for alg in ("none", "None", "HS256", "HS512", "ES256", "RS256", "PS256", "ES384", "Ed25519", "eddsa", ""):
        forged("alg-" + (alg or "empty") + ("-capital" if alg == "None" else "-small" if alg == "eddsa" else ""),
               signed(header=head(alg=alg)), "The key, not the token, decides the algorithm: this one is for EdDSA.")
    base = message(meta())
    bare = token(base, header=head(alg="none"))
    forged("alg-none-unsigned", with_token(base, bare[:bare.rindex(".") + 1]), "No signature at all.")
    public = base64.urlsafe_b64decode(JWKS["test-ed25519"]["x"] + "==")
    forged("alg-hmac-of-public-key", signed(header=head(alg="HS256"), signer=lambda c: hmac256(public, c)), "The public key as a secret.")
    forged("alg-es256-key-for-eddsa", signed(kid="test-es256", header={"alg": "EdDSA", "kid": "test-es256", "typ": "envelope+jwt"}), "The key is for ES256.")
    for name, kid in (("unknown", "nobody"), ("path", "../../../../dev/null"), ("sql", "' OR '1'='1"), ("url", "http://127.0.0.1:9/key"),
                      ("empty", ""), ("nul", "test-ed25519\0"), ("long", "k" * 3000)):
        forged("kid-" + name, signed(header=head(kid=kid)), "No such key is registered.")
    forged("kid-missing", signed(header=head(kid=None)), "kid is needed.")
    forged("kid-number", signed(header=head(kid=1)), "kid is text.")
    forged("kid-other-key", signed(header=head(kid="test-es256")), "Another key than the one that signed.")
    forged("key-unregistered", signed(kid="test-unregistered"), "A key that is not registered.")
    forged("key-unregistered-as-other", signed(kid="test-unregistered", header=head()), "A key that is not registered, called one that is.")
    jwk = {k: v for k, v in JWKS["test-unregistered"].items() if k != "d"}
    for name, value in (("jku", "http://127.0.0.1:9/jwks"), ("x5u", "http://127.0.0.1:9/x5u"), ("jwk", jwk), ("x5c", ["MIIB"]),
                        ("crit", ["exp"]), ("b64", False), ("cty", "JWT"), ("zip", "DEF")):
        forged("header-" + name, signed(kid="test-unregistered" if name == "jwk" else "test-ed25519", header=head(**{name: value})),
               "A header has alg, kid and typ alone; nothing is fetched.")
    for typ in ("JWT", "jwt", "envelope", "respond+jwt", "application/envelope+jwt", None):
        forged("typ-" + (typ or "missing").replace("/", "-"), signed(header=head(typ=typ)) if typ != "jwt" else signed(header=head(typ="ENVELOPE+JWT")),
               "typ is envelope+jwt.")
    base = message(meta())
    right = token(base)
    h, c, s = right.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    stray = s[:-1] + alphabet[alphabet.index(s[-1]) | 1]
    for name, jwt, why in (
            ("padding", right + "==", "base64url without padding."), ("stray-bits", f"{h}.{c}.{stray}", "Bits that no byte has."),
            ("standard-alphabet", f"{h}.{c}.+{s[1:]}", "The alphabet of base64url alone."), ("blank-inside", f"{h}.{c}. {s}", "A blank inside."),
            ("line-break-inside", f"{h}.{c}.\n{s}", "A line break inside."), ("four-segments", right + ".x", "Four segments."),
            ("five-segments", f"{h}..{c}.{s}.x", "Five segments, as of JWE."), ("two-segments", f"{h}.{c}", "Two segments."), ("empty-signature", f"{h}.{c}.", "No signature."),
            ("empty-header", f".{c}.{s}", "No header."), ("json-serialisation", json.dumps({"protected": h, "payload": c, "signature": s}), "JWS as JSON."),
            ("signature-cut", f"{h}.{c}.{b64(base64.urlsafe_b64decode(s + '==')[:-1])}", "A byte of the signature is missing."),
            ("signature-longer", f"{h}.{c}.{b64(base64.urlsafe_b64decode(s + '==') + bytes(1))}", "A byte too many."),
            ("signature-other", f"{h}.{c}.{b64(bytes(64))}", "64 zeros."),
            ("signature-look-alike", right.replace("e", "\u0435", 1), "A Cyrillic letter.")):
        base = message(meta())
        right = token(base)
        forged("token-" + name, with_token(message(meta()), jwt if "\u0435" in jwt or jwt.count(".") else jwt), why)
    order = 2 ** 252 + 27742317777372353535851937790883648493
    raw = base64.urlsafe_b64decode(token(message(meta())).split(".")[2] + "==")
    malleable = lambda content: (lambda sig: sig[:32] + (int.from_bytes(sig[32:], "little") + order).to_bytes(32, "little"))(signature("test-ed25519", content))
    forged("ed25519-malleable", signed(signer=malleable), "The same signature with the group's order added (RFC 8032, 5.1.7).")
    es = {"alg": "ES256", "kid": "test-es256", "typ": "envelope+jwt"}
    forged("es256-der", signed(kid="test-es256", header=es, signer=lambda c: es256_der("test-es256", c)), "ES256 is 64 bytes, not DER.")
    forged("es256-zeros", signed(kid="test-es256", header=es, signer=lambda c: bytes(64)), "r = s = 0 (CVE-2022-21449).")
    forged("rs256-pss", signed(kid="test-rs256", signer=lambda c: rs256("test-rs256").sign(
        c, padding.PSS(padding.MGF1(hashes.SHA256()), 0), hashes.SHA256())), "PSS in place of PKCS #1 v1.5.")
    forged("rs256-sha1", signed(kid="test-rs256", signer=lambda c: rs256("test-rs256").sign(c, padding.PKCS1v15(), hashes.SHA512())), "Another digest.")
    forged("header-duplicate", signed(header='{"alg":"EdDSA","alg":"EdDSA","kid":"test-ed25519","typ":"envelope+jwt"}'), "A member twice.")
    forged("header-trailing", signed(header='{"alg":"EdDSA","kid":"test-ed25519","typ":"envelope+jwt"}{}'), "Two JSON values.")
    forged("header-comment", signed(header='{"alg":"EdDSA",/**/"kid":"test-ed25519","typ":"envelope+jwt"}'), "JSON has no comments.")
    forged("header-array", signed(header='["EdDSA"]'), "No object.")
    base = message(meta())
    text = compact(claims_of(base))
    forged("claims-duplicate", with_token(base, token(base, claims=text[:-1] + f',"iss":"{TENANT}"}}')), "A member twice.")
    base = message(meta())
    forged("claims-not-json", with_token(base, token(base, claims="iss=x")), "No JSON.")
    base = message(meta())
    forged("claims-array", with_token(base, token(base, claims="[]")), "No object.")
    base = message(meta())
    forged("claims-deep", with_token(base, token(base, claims=compact(claims_of(base))[:-1] + ',"x":' + "[" * 2000 + "]" * 2000 + "}")), "So deep that a reader that recurses has no stack left.")


def claims():
    for name, value, why in (
            ("exp-past", {"iat": NOW - 361, "exp": NOW - 61}, "Expired a second more than a minute ago."),
            ("iat-future", {"iat": NOW + 61, "exp": NOW + 361}, "Issued in more than a minute."),
            ("lifetime", {"exp": NOW + 301}, "It may live for 300 s."), ("exp-before-iat", {"iat": NOW + 10, "exp": NOW}, "The wrong way round."),
            ("exp-missing", {"exp": None}, "exp is needed."), ("iat-missing", {"iat": None}, "iat is needed."),
            ("exp-text", {"exp": str(NOW + 300)}, "exp is a number."), ("exp-fraction", {"exp": NOW + 299.5}, "Whole seconds."),
            ("iat-negative", {"iat": -1, "exp": 299}, "Before 1970."), ("exp-huge", {"iat": -(2 ** 63), "exp": 2 ** 63 - 1}, "Where a difference overflows."),
            ("exp-beyond-long", {"exp": 2 ** 64 + NOW + 300}, "Where 64 bits overflow."),
            ("aud-other", {"aud": "other"}, "Another audience."), ("aud-array", {"aud": ["agentserver"]}, "Text, not an array."), ("aud-missing", {"aud": None}, "aud is needed."),
            ("iss-other", {"iss": "other-tenant"}, "Another tenant's key is none of ours."), ("iss-platform", {"iss": "agentserver"}, "The platform signs for itself alone."),
            ("iss-path", {"iss": "../sample-tenant"}, "No tenant's id."), ("iss-missing", {"iss": None}, "iss is needed."),
            ("tenant-other", {"tenant": "other-tenant"}, "iss and tenant are the same tenant."), ("tenant-missing", {"tenant": None}, "tenant is needed."),
            ("sub-other", {"sub": "other"}, "sub is <from>."), ("sub-missing", {"sub": None}, "sub is needed."),
            ("jti-other", {"jti": "0199c0de-7a11-7000-8009-000000000001"}, "jti is <id>."), ("jti-missing", {"jti": None}, "jti is needed."),
            ("thread-other", {"thread": "0199c0de-7a11-7000-8009-000000000001"}, "thread is <thread>."), ("thread-missing", {"thread": None}, "thread is needed."),
            ("digest-missing", {"digest": None}, "digest is needed."), ("digest-bare", {"digest": "x"}, "Its form is sha-256=:<base64>:."),
            ("digest-sha-512", {"digest": "sha-512=:" + base64.b64encode(bytes(64)).decode() + ":"}, "SHA-256 alone.")):
        forged("claim-" + name, signed(**value), why)
    base = message(meta())
    of_whole = hashlib.sha256(base.encode() + b"\n").digest()
    forged("claim-digest-other", signed(digest="sha-256=:" + base64.b64encode(of_whole).decode() + ":"), "The digest of something else.")
    forged("claim-digest-url-alphabet", signed(any_("\u00fc"), digest=claims_of(any_("\u00fc"))["digest"].replace("=:", "=:-", 1)), "base64 with its usual alphabet.")
    forged("claim-jti-upper-case", signed(jti=uuid(2).upper()), "In its usual spelling.")


def found_by_fuzzing():
    for name, character in (("ffff", "\uffff"), ("fffe", "\ufffe")):
        malformed("utf-16-" + name, ("\ufeff" + any_("", f' xmlns:p="urn:{character}" p:a="{character}"')).encode("utf-16-le"),
                  "No character of XML's, in UTF-16.")
    head = '{"alg":"EdDSA","kid":"test-ed25519","typ":"envelope+jwt"}'
    forged("header-name-not-utf-8", signed(header=head.encode().replace(b'"alg', b'"\xffalg')), "A byte that UTF-8 does not have, before a name.")
    forged("header-utf-16", signed(header=head.encode("utf-16-le")), "JSON in UTF-16.")
    forged("header-byte-order-mark", signed(header=b"\xef\xbb\xbf" + head.encode()), "JSON has no byte order mark.")


shutil.rmtree(MESSAGES, ignore_errors=True)
MESSAGES.mkdir()
for group in (shapes, canonical_forms, limits, not_xml, not_envelopes, not_for_listeners, signatures, tokens, claims, found_by_fuzzing):
    group()
index = {
    "clock": CLOCK.isoformat().replace("+00:00", "Z"), "tenant": TENANT, "organism": "organism.yaml", "limits": LIMITS,
    "keys": KEYS.name, "registered_keys": ["test-ed25519", "test-es256", "test-rs256"], "samples": cases,
}
(HERE / "index.json").write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n")
print(len(cases), "samples")
